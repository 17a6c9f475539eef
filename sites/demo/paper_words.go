package demo

// desk are the words of one section.
type desk struct {
	slug, name string
	headlines  []string
}

var desks = [newsSections]desk{
	{"stadt", "Stadt", []string{
		"%s bekommt eine neue Brücke", "Straßenbahn nach %s fährt wieder", "%s pflanzt tausend Bäume",
		"Der Wochenmarkt in %s zieht um", "Baustelle in %s dauert länger", "%s eröffnet eine Bibliothek",
	}},
	{"wirtschaft", "Wirtschaft", []string{
		"Werft in %s stellt 200 Leute ein", "%s: Die Mieten steigen langsamer", "Bäcker aus %s liefert mit dem Rad",
		"Messe in %s zählt mehr Gäste", "Glasfaser für %s kommt früher", "Handwerk in %s sucht Nachwuchs",
	}},
	{"kultur", "Kultur", []string{
		"Theater in %s spielt im Freien", "%s zeigt vergessene Fotografien", "Orchester aus %s geht auf Reisen",
		"Kino in %s wird hundert", "Ein Roman über %s", "%s feiert die lange Nacht der Museen",
	}},
	{"sport", "Sport", []string{
		"%s gewinnt das Derby spät", "Ruderer aus %s holen Gold", "Halle in %s wird saniert",
		"%s steigt in die zweite Liga auf", "Marathon in %s mit Rekord", "Schach: %s bleibt ungeschlagen",
	}},
	{"wissen", "Wissen", []string{
		"Forscher aus %s zählen Wildbienen", "Sternwarte in %s öffnet wieder", "Was der Boden bei %s erzählt",
		"%s misst die Luft jetzt selbst", "Moor bei %s speichert mehr als gedacht", "Schüler aus %s bauen einen Satelliten",
	}},
}

var germanMonths = [12]string{
	"Januar", "Februar", "März", "April", "Mai", "Juni",
	"Juli", "August", "September", "Oktober", "November", "Dezember",
}

var (
	places = []string{
		"Altbrück", "Nordhausen", "Lindau", "Grünfeld", "Sankt Veit", "Oberwörth",
		"Kleinmachow", "Seestadt", "Mühlheim", "Tannrode", "Rheinau", "Föhrde", "Waldsee",
	}
	reporters = []string{"Jana Köhler", "Emre Öztürk", "Luise Weiß", "Tom Böttcher", "Agnès Dubois", "Mira Schäfer"}
	topics    = []string{"Verkehr", "Umwelt", "Bildung", "Geld", "Geschichte", "Freizeit"}
	leads     = []string{
		"In %s hat sich am Donnerstag entschieden, worüber seit Monaten gestritten wird.",
		"Lange war es still um %s. Jetzt geht es schneller, als viele gedacht haben.",
		"Wer in diesen Tagen durch %s geht, sieht es sofort.",
	}
	paragraphs = []string{
		"Der Rat stimmte mit großer Mehrheit zu. Die Kosten sollen über acht Jahre verteilt werden.",
		"„Wir haben lange darauf gewartet“, sagt eine Anwohnerin. Sie will am ersten Tag dabei sein.",
		"Fachleute halten den Plan für solide, mahnen aber zur Eile. Der Winter kommt früher als der Bagger.",
		"Im Vergleich zum Vorjahr stieg die Zahl um 3,4 Prozent. Das ist mehr als im Landesdurchschnitt.",
		"Ob es dabei bleibt, entscheidet sich im Herbst. Dann liegen die neuen Zahlen vor.",
		"Die Stadt rechnet mit 1.250 Besuchern am Tag und will zusätzliche Busse einsetzen.",
	}
	remarks = []string{
		"Endlich!", "Das hätte man schneller haben können.", "Schöner Artikel, danke.",
		"Und wer bezahlt das?", "Ich war dabei, es war großartig.", "Bitte mehr davon & weniger <Werbung>.",
	}
)

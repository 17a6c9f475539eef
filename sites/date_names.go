package sites

import "strings"

// dateNames are the names of a language's months (January first) and weekdays
// (Sunday first), in lower case; alternatives are parted by "/". An abbreviation may
// be followed by a point on the page.
type dateNames struct{ months, weekdays []string }

func monthsAndDays(months, weekdays string) dateNames {
	return dateNames{strings.Fields(months), strings.Fields(weekdays)}
}

// dateLanguages are the languages whose names are known, by base language. English
// names are understood in every one.
var dateLanguages = map[string]dateNames{
	"en": monthsAndDays(`january/jan february/feb march/mar april/apr may june/jun july/jul august/aug
		september/sept/sep october/oct november/nov december/dec`,
		`sunday/sun monday/mon tuesday/tues/tue wednesday/wed thursday/thurs/thur/thu friday/fri saturday/sat`),
	"de": monthsAndDays(`januar/jänner/jan/jän februar/feber/feb märz/mär/mrz april/apr mai juni/jun juli/jul august/aug
		september/sept/sep oktober/okt november/nov dezember/dez`,
		`sonntag/so montag/mo dienstag/di mittwoch/mi donnerstag/do freitag/fr samstag/sonnabend/sa`),
	"fr": monthsAndDays(`janvier/janv/jan février/févr/fév/fevrier mars/mar avril/avr mai juin/jun juillet/juil/jui août/aout/aoû
		septembre/sept/sep octobre/oct novembre/nov décembre/déc/decembre`,
		`dimanche/dim lundi/lun mardi/mar mercredi/mer jeudi/jeu vendredi/ven samedi/sam`),
	"es": monthsAndDays(`enero/ene febrero/feb marzo/mar abril/abr mayo/may junio/jun julio/jul agosto/ago
		septiembre/setiembre/sept/sep/set octubre/oct noviembre/nov diciembre/dic`,
		`domingo/dom lunes/lun martes/mar miércoles/mié/mie jueves/jue viernes/vie sábado/sáb/sab`),
	"it": monthsAndDays(`gennaio/gen febbraio/feb marzo/mar aprile/apr maggio/mag giugno/giu luglio/lug agosto/ago
		settembre/sett/set ottobre/ott novembre/nov dicembre/dic`,
		`domenica/dom lunedì/lun martedì/mar mercoledì/mer giovedì/gio venerdì/ven sabato/sab`),
	"pt": monthsAndDays(`janeiro/jan fevereiro/fev março/mar abril/abr maio/mai junho/jun julho/jul agosto/ago
		setembro/set outubro/out novembro/nov dezembro/dez`,
		`domingo/dom segunda-feira/segunda/seg terça-feira/terça/ter quarta-feira/quarta/qua
		quinta-feira/quinta/qui sexta-feira/sexta/sex sábado/sáb/sab`),
	"nl": monthsAndDays(`januari/jan februari/feb maart/mrt/mar april/apr mei juni/jun juli/jul augustus/aug
		september/sept/sep oktober/okt november/nov december/dec`,
		`zondag/zo maandag/ma dinsdag/di woensdag/wo donderdag/do vrijdag/vr zaterdag/za`),
	"sv": monthsAndDays(`januari/jan februari/feb/febr mars/mar april/apr maj juni/jun juli/jul augusti/aug
		september/sept/sep oktober/okt november/nov december/dec`,
		`söndag/sön/sö måndag/mån/må tisdag/tis/ti onsdag/ons/on torsdag/tors/tor/to fredag/fre/fr lördag/lör/lö`),
	"da": monthsAndDays(`januar/jan februar/feb/febr marts/mar april/apr maj juni/jun juli/jul august/aug
		september/sept/sep oktober/okt november/nov december/dec`,
		`søndag/søn mandag/man tirsdag/tirs/tir onsdag/ons torsdag/tors/tor fredag/fre lørdag/lør`),
	"nb": monthsAndDays(`januar/jan februar/feb/febr mars/mar april/apr mai juni/jun juli/jul august/aug
		september/sept/sep oktober/okt november/nov desember/des`,
		`søndag/søn mandag/man tirsdag/tirs/tir onsdag/ons torsdag/tors/tor fredag/fre lørdag/lør`),
	"pl": monthsAndDays(`stycznia/styczeń/sty lutego/luty/lut marca/marzec/mar kwietnia/kwiecień/kwi maja/maj
		czerwca/czerwiec/cze lipca/lipiec/lip sierpnia/sierpień/sie września/wrzesień/wrz
		października/październik/paź/paz listopada/listopad/lis grudnia/grudzień/gru`,
		`niedziela/niedz/nd/nie poniedziałek/pon/pn wtorek/wt środa/śr/śro czwartek/czw/cz piątek/pt/pią sobota/sob/sb`),
	"cs": monthsAndDays(`ledna/leden/led února/únor/úno března/březen/bře dubna/duben/dub května/květen/kvě června/červen/čvn
		července/červenec/čvc srpna/srpen/srp září/zář října/říjen/říj listopadu/listopad/lis prosince/prosinec/pro`,
		`neděle/ne pondělí/po úterý/út středa/st čtvrtek/čt pátek/pá sobota/so`),
	"ru": monthsAndDays(`января/январь/янв февраля/февраль/февр/фев марта/март/мар апреля/апрель/апр мая/май
		июня/июнь/июн июля/июль/июл августа/август/авг сентября/сентябрь/сент/сен октября/октябрь/окт
		ноября/ноябрь/нояб/ноя декабря/декабрь/дек`,
		`воскресенье/вс понедельник/пн вторник/вт среда/ср четверг/чт пятница/пт суббота/сб`),
}

// index returns the position of a word among names, or -1.
func nameIndex(list []string, word string) int {
	for i, alternatives := range list {
		for alternatives != "" {
			var one string
			if one, alternatives, _ = strings.Cut(alternatives, "/"); one == word {
				return i
			}
		}
	}
	return -1
}

package demo

// department are the words of one category.
type department struct {
	slug, name, code, blurb, shape string
	nouns                          []string
}

var departments = [shopCategories]department{
	{
		"lamps", "Lamps", "LMP", "Light for desks, halls and long evenings.", "lamp",
		[]string{"Desk Lamp", "Floor Lamp", "Pendant", "Wall Light", "Lantern", "Reading Light"},
	},
	{
		"chairs", "Chairs", "CHR", "Somewhere good to sit.", "chair",
		[]string{"Armchair", "Stool", "Dining Chair", "Rocking Chair", "Bench", "Office Chair"},
	},
	{
		"kitchen", "Kitchen", "KTC", "Tools that are used every day.", "pot",
		[]string{"Saucepan", "Kettle", "Chef's Knife", "Casserole", "Moka Pot", "Mixing Bowl"},
	},
	{
		"garden", "Garden", "GRD", "For the balcony and beyond.", "leaf",
		[]string{"Watering Can", "Trowel", "Planter", "Pruner", "Garden Hose", "Bird Feeder"},
	},
	{
		"audio", "Audio", "AUD", "Things that sound right.", "disc",
		[]string{"Speaker", "Headphones", "Turntable", "Radio", "Amplifier", "Microphone"},
	},
	{
		"travel", "Travel", "TRV", "Bags that come back in one piece.", "bag",
		[]string{"Rucksack", "Suitcase", "Duffel", "Wash Bag", "Messenger Bag", "Packing Cube"},
	},
}

var (
	seriesNames = []string{"Alma", "Borea", "Cirro", "Dune", "Estra", "Fjord", "Gala", "Halde", "Isola", "Juno", "Kelt", "Luma"}
	adjectives  = []string{"Slim", "Classic", "Compact", "Solid", "Quiet", "Bright", "Light", "Tall", "Round", "Folding"}
	brands      = []string{"Nordlicht", "Atelier Quinze", "Hagen & Söhne", "Marrow", "O’Dell", "Kestrel", "Pomelo", "Studio Ñ"}
	materials   = []string{"Oak", "Ash", "Powder-coated steel", "Brushed aluminium", "Recycled polyester", "Stoneware", "Brass"}
	colours     = []string{"Anthracite", "Sand", "Moss", "Signal red", "Off-white", "Petrol", "Ochre"}
	countries   = []string{"Portugal", "Denmark", "Germany", "Czechia", "Italy", "Japan"}
	people      = []string{"Ada", "Björn", "Chidi", "Dolores", "Emre", "Françoise", "Grete", "Hana", "Ivo", "Jún"}
	oddSuffixes = []string{` 12"`, " <M>", " & Refill", " ‘Nº 5’", " 50 %", " {Set}"}
	openings    = []string{
		"A %s that %s has made the same way for years.",
		"The %s to reach for; %s took its time with it.",
		"An honest %s from the workshop of %s.",
	}
	middles = []string{
		"It is built to be repaired, and every part can be ordered.",
		"The finish is hard-wearing and gets better with use.",
		"It weighs less than it looks and fits where others do not.",
		"Each one is checked by hand before it leaves.",
	}
	endings = []string{
		"Comes ready to use.", "Assembly takes five minutes.", "Packed without plastic.", "Spare parts are in the box.",
	}
	opinions = []string{
		"Exactly as described.", "Better than the last one I had.", "Sturdy, but the manual is thin.",
		"My cat approves.", "Would buy again.", "Took two weeks; worth the wait.", "Good value <for money>.",
	}
)

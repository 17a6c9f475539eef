package store

// InsertText is the text of an INSERT for the most of n rows, and for how many it is.
func InsertText(n int) (query string, rows int) { return itemQueries.of(n) }

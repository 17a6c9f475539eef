//go:build !studies

package worker

// hungry is a page that takes more memory than there is, and which process holds it; there are more with the tag studies.
var hungry = map[string]string{"/arrays": "renderer"}

//go:build studies

package worker

// hungry are the pages that take more memory than there is, and which process holds it.
var hungry = map[string]string{"/arrays": "renderer", "/blobs": "browser"}

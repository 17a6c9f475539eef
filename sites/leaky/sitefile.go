package leaky

import (
	"bytes"
	"text/template"
)

// siteText is a case's site file.
var siteText = template.Must(template.ParseFS(assets, "assets/site.yaml"))

// SiteFile is the site file of a case whose Server is reached at baseURL
// (http://127.0.0.1:8080, without a slash at the end), as a user would write it; nil of
// a name that is no case's.
func (s *Server) SiteFile(name, baseURL string) []byte {
	c, ok := Find(name)
	if !ok {
		return nil
	}
	steps := c.steps
	if steps == nil && c.mode == kept {
		steps = []string{"evaluate: cycle()"}
	}
	var file bytes.Buffer
	err := siteText.Execute(&file, map[string]any{
		"Case": c, "Base": baseURL, "Steps": steps, "Keep": c.mode != fresh, "Load": c.mode != kept,
	})
	if err != nil {
		panic("fill in the site file of " + name + ": " + err.Error()) // it is part of the program
	}
	return file.Bytes()
}

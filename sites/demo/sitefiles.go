package demo

import (
	"bytes"
	"text/template"
)

// SiteFiles are the two site files, shop.yaml and news.yaml, for sites that are served
// at baseURL (http://127.0.0.1:8080, without a slash at the end). They are written as
// a user would write them.
func (s *Server) SiteFiles(baseURL string) map[string][]byte {
	files := map[string][]byte{}
	for _, name := range []string{"shop.yaml", "news.yaml"} {
		text := template.Must(template.ParseFS(assets, "assets/"+name))
		var file bytes.Buffer
		if err := text.Execute(&file, map[string]string{"Base": baseURL, "Schedule": s.options.Schedule}); err != nil {
			panic("fill in the site file " + name + ": " + err.Error()) // it is part of the program
		}
		files[name] = file.Bytes()
	}
	return files
}

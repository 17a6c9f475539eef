package sites

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// commentsOf gives the comments of the struct types in Go files, by Type and by
// Type.Field, each as one line.
func commentsOf(sources ...string) (map[string]string, error) {
	texts := map[string]string{}
	for _, source := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), "site.go", source, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		commentsOfFile(file, texts)
	}
	return texts, nil
}

func commentsOfFile(file *ast.File, texts map[string]string) {
	ast.Inspect(file, func(n ast.Node) bool {
		decl, ok := n.(*ast.GenDecl)
		if !ok {
			return true
		}
		for _, spec := range decl.Specs {
			if typ, ok := spec.(*ast.TypeSpec); ok {
				texts[typ.Name.Name] = inOneLine(decl.Doc)
				commentsOfFields(typ, texts)
			}
		}
		return false
	})
}

func commentsOfFields(typ *ast.TypeSpec, texts map[string]string) {
	fields, ok := typ.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range fields.Fields.List {
		text := inOneLine(field.Doc)
		if text == "" {
			text = inOneLine(field.Comment)
		}
		for _, name := range field.Names {
			texts[typ.Name.Name+"."+name.Name] = text
		}
	}
}

func inOneLine(comment *ast.CommentGroup) string {
	return strings.Join(strings.Fields(comment.Text()), " ")
}

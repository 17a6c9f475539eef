package sites

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// commentsOf gives the comments of the struct types in a Go file, by Type and by
// Type.Field, each as one line.
func commentsOf(source string) (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "site.go", source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
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
	return texts, nil
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

package heap

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
)

// generate writes a snapshot of about so many bytes as V8 would: 4.5 references and 120 bytes of
// text for each object, a fifth of them strings. It holds nothing but a buffer.
func generate(w io.Writer, size int64) (written int64, err error) {
	const perNode, fields = 121, 6
	count := max(int(size/perNode), 16)
	edges := 0
	for n := range count {
		edges += generatedDegree(n, count)
	}
	out := &countedWriter{w: w}
	b := bufio.NewWriterSize(out, 1<<20)
	fmt.Fprintf(b, `{"snapshot":{"meta":{"node_fields":["type","name","id","self_size","edge_count","detachedness"],`+
		`"node_types":[["hidden","array","string","object","code","closure","regexp","number","native","synthetic"],"string","number","number","number","number"],`+
		`"edge_fields":["type","name_or_index","to_node"],"edge_types":[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"],`+
		`"location_fields":["object_index","script_id","line","column"]},"node_count":%d,"edge_count":%d,"trace_function_count":0,"extra_native_bytes":0},`+"\n\"nodes\":[", count, edges)
	texts := count / 5
	for n := range count {
		kind := 3
		switch {
		case n == 0:
			kind = 9
		case n%5 == 4:
			kind = 2
		}
		comma(b, n)
		fmt.Fprintf(b, "%d,%d,%d,%d,%d,0", kind, (n*7)%texts, 2*n+1, 16+8*(n%13), generatedDegree(n, count))
	}
	b.WriteString("],\n\"edges\":[")
	random := rand.New(rand.NewPCG(1, 2))
	for n, i := 0, 0; n < count; n++ {
		for k := range generatedDegree(n, count) {
			to := n + 1 // everything is reached, over a path that is long
			if k > 0 {
				to = random.IntN(count)
			}
			comma(b, i)
			fmt.Fprintf(b, "%d,%d,%d", []int{2, 1, 3, 2}[k%4], (n+k*31)%texts, to*fields)
			i++
		}
	}
	b.WriteString("],\n\"trace_function_infos\":[],\n\"trace_tree\":[],\n\"samples\":[],\n\"locations\":[],\n\"strings\":[")
	for i := range texts {
		comma(b, i)
		fmt.Fprintf(b, `"text %d of the page \u00e9 with some \"words\" %d"`, i, i*i)
	}
	b.WriteString("]}")
	err = b.Flush()
	return out.n, err
}

// generatedDegree is how many references a node has: 4 or 5, but the last none.
func generatedDegree(n, count int) int {
	if n == count-1 {
		return 0
	}
	return 4 + n%2
}

func comma(b *bufio.Writer, i int) {
	if i > 0 {
		b.WriteString(",\n")
	}
}

type countedWriter struct {
	w io.Writer
	n int64
}

func (c *countedWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

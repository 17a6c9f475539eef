// Package heap reads V8 heap snapshots in bounded memory and tells what grew between two of them.
//
// A snapshot is what HeapProfiler.takeHeapSnapshot of the DevTools protocol writes, and what
// DevTools and Node.js save as .heapsnapshot. Read turns one into columns of a few bytes a
// value; Summarize tells what it holds, Comparison what grew between two or more of one
// isolate. What the terms mean (self and retained size, distance, detached) is as in DevTools.
//
// A Snapshot of n nodes and e edges takes about 22n + 9e bytes and its strings, less than the file;
// its analysis takes up to 60n + 4e more, with which it stays below twice the file.
package heap

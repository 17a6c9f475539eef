// The memories of WebAssembly instances: no figure of the JavaScript heap counts them.
"use strict";

const kept = [];

function make() {
  const memory = new WebAssembly.Memory({initial: 32}); // of 64 KiB: 2 MiB
  new Uint8Array(memory.buffer).fill(1);
  return memory;
}

function leak() {
  kept.push(make());
}

function churn() {
  kept[0] = make();
}

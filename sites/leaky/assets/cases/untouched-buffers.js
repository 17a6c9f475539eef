// Array buffers of a million bytes each that nobody writes to: the system gives them no
// memory, so no process grows.
"use strict";

const kept = [];

function leak() {
  kept.push(new ArrayBuffer(1_000_000));
}

function churn() {
  kept[0] = new ArrayBuffer(1_000_000);
}

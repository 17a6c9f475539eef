// A page that keeps nothing: what grows is the fault of whoever drives it.
"use strict";

function leak() {
  return churn();
}

function churn() {
  document.getElementById("stage").replaceChildren(...Array.from({length: 10}, () => document.createElement("p")));
}

// handle makes an object of 100 KiB for whoever asks for it by reference.
function handle() {
  return new Array(12800).fill(1.5); // 8 bytes each
}

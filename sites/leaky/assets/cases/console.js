// The console keeps the objects of its last thousand messages, whether anybody looks or
// not, until it is emptied. The twin writes as much text and no object.
"use strict";

function make(visit) {
  return {visit, data: new Array(6400).fill(1.5)}; // 8 bytes each: 50 KiB
}

function leak(visit) {
  console.debug("visit", make(visit));
}

function churn(visit) {
  console.debug("visit", String(make(visit).visit));
}

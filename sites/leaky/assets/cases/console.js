// The console keeps the objects of its last thousand messages, whether anybody looks or
// not, until it is emptied.
"use strict";

function churn(visit) {
  console.debug("visit", {visit, data: new Array(6400).fill(1.5)}); // 8 bytes each: 50 KiB
}

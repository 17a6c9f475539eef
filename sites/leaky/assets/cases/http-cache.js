// Answers that may be kept for a day, each under an address of its own.
"use strict";

async function ask(number, store) {
  await (await fetch(`bytes/${number}?size=${1 << 20}&store=${store}`)).arrayBuffer();
}

function leak() {
  return ask(parseInt(once(), 36), 1);
}

function churn(visit) {
  return ask(visit, 0);
}

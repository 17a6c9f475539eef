// Answers whose bodies are never read: their bytes wait in pipes that stay open.
"use strict";

const kept = [];

function ask(visit) {
  return fetch(`bytes/${visit}?size=${256 << 10}`);
}

async function leak(visit) {
  kept.push(await ask(visit));
}

async function churn(visit) {
  await (await ask(visit)).arrayBuffer();
}

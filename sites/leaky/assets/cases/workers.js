// Dedicated workers that are never terminated.
"use strict";

const kept = [];

async function start() {
  const worker = new Worker("worker.js");
  await asked(worker, {keep: true, doubles: 6400});
  return worker;
}

async function leak() {
  kept.push(await start());
}

async function churn() {
  (await start()).terminate();
}

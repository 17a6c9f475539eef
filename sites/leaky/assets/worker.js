// A dedicated worker: it keeps what it is told to.
"use strict";

const kept = [];

onmessage = message => {
  const {keep, doubles} = message.data;
  const made = new Array(doubles).fill(1.5);
  if (keep) kept.push(made);
  message.ports[0].postMessage(kept.length);
};

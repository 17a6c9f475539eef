// Subscribers that never leave: each holds on to all that its visit knew.
"use strict";

const subscribers = new Set();

function subscribe() {
  const knew = new Array(6400).fill(1.5); // 8 bytes each: 50 KiB
  const subscriber = () => knew.length;
  subscribers.add(subscriber);
  return subscriber;
}

function publish() {
  let sum = 0;
  for (const subscriber of subscribers) sum += subscriber();
  return sum;
}

function leak() {
  subscribe();
  publish();
}

function churn() {
  const subscriber = subscribe();
  publish();
  subscribers.delete(subscriber);
}

// Listeners on the window that are added at each visit and never removed.
"use strict";

function listen() {
  return Array.from({length: 100}, () => {
    const listener = () => {};
    window.addEventListener("resize", listener);
    return listener;
  });
}

function leak() {
  listen();
}

function churn() {
  for (const listener of listen()) window.removeEventListener("resize", listener);
}

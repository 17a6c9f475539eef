// Elements that were taken out of the document, and that a variable still knows.
"use strict";

const removed = [];

function show(visit) {
  const list = document.createElement("ul");
  for (let i = 0; i < 100; i++) {
    const entry = document.createElement("li");
    entry.append(`Entry ${i} of visit ${visit}`);
    list.append(entry);
  }
  document.getElementById("stage").append(list);
  return list;
}

function leak(visit) {
  const list = show(visit);
  list.remove();
  removed.push(list);
}

function churn(visit) {
  show(visit).remove();
}

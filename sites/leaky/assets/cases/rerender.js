// A list that is drawn anew at each click, as frameworks do, with the mouse. The leak
// keeps what was drawn before; a real click is what begins a visit.
"use strict";

const before = [];
let shown = null;

function draw(visit) {
  const list = document.createElement("ol");
  for (let i = 0; i < 50; i++) {
    const entry = document.createElement("li");
    entry.append(`Entry ${i} of visit ${visit}`);
    entry.addEventListener("mouseenter", () => entry.classList.add("seen"));
    list.append(entry);
  }
  document.getElementById("stage").replaceChildren(list);
  return list;
}

function leak(visit) {
  if (shown) before.push(shown);
  shown = draw(visit);
}

function churn(visit) {
  shown = draw(visit);
}

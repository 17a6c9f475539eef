// One element and one listener more at each visit: no figure in bytes tells this from its
// twin, which makes and removes as many.
"use strict";

const onclick = () => {};

function add() {
  const element = document.createElement("div");
  element.addEventListener("click", onclick);
  document.getElementById("stage").append(element);
  return element;
}

function leak() {
  add();
}

function churn() {
  const element = add();
  element.removeEventListener("click", onclick);
  element.remove();
}

// The document is written anew with document.write: the window stays, and a variable of
// it knows the elements of before.
"use strict";

const before = [];

function rewrite(visit) {
  const old = document.documentElement;
  const name = document.title;
  document.open();
  document.write(`<!doctype html><html lang="en" data-ready><meta charset="utf-8"><title>${name}</title><h1>${name}</h1>` +
    `<p>Visit <output id="visit">${visit}</output></p>` + "<p>line</p>".repeat(50) + "</html>");
  document.close();
  return old;
}

function leak(visit) {
  before.push(rewrite(visit));
}

function churn(visit) {
  before[0] = rewrite(visit);
}

// A list that only grows longer: every visit adds 100 paragraphs, each with its text.
"use strict";

function paragraphs(visit) {
  return Array.from({length: 100}, (_, i) => {
    const p = document.createElement("p");
    p.append(`Line ${i} of visit ${visit}`);
    return p;
  });
}

function leak(visit) {
  document.getElementById("stage").append(...paragraphs(visit));
}

function churn(visit) {
  document.getElementById("stage").replaceChildren(...paragraphs(visit));
}

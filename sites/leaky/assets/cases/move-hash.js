// Routes in the fragment: each change draws a view, and the view before stays in a
// variable.
"use strict";

const views = [];

function view(visit) {
  const section = document.createElement("section");
  for (let i = 0; i < 50; i++) section.append(document.createElement("hr"));
  document.getElementById("stage").replaceChildren(section);
  return section;
}

async function go(visit) {
  const changed = happened(window, "hashchange");
  location.hash = "visit-" + visit;
  await changed;
  return view(visit);
}

async function leak(visit) {
  views.push(await go(visit));
}

async function churn(visit) {
  views[0] = await go(visit);
}

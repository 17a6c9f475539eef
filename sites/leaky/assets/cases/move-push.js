// Routes of one document: pushState leads on, the history back, and each route that is
// entered listens to the window.
"use strict";

const stage = document.getElementById("stage");

function enter(route) {
  const listeners = Array.from({length: 10}, () => () => stage.dataset.route = route);
  for (const listener of listeners) window.addEventListener("scroll", listener);
  return () => {
    for (const listener of listeners) window.removeEventListener("scroll", listener);
  };
}

async function go(visit) {
  history.pushState({visit}, "", "b");
  const leave = enter("b");
  const back = happened(window, "popstate");
  history.back();
  await back;
  return leave;
}

async function leak(visit) {
  await go(visit);
}

async function churn(visit) {
  (await go(visit))();
}

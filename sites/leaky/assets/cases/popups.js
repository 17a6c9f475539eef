// Windows that pages open and nobody closes: they stay when the page has gone.
"use strict";

async function show() {
  const popup = window.open("frame", "", "popup");
  await new Promise(resolve => {
    const look = setInterval(() => {
      if (popup.document.readyState !== "complete" || popup.location.href === "about:blank") return;
      clearInterval(look);
      resolve();
    }, 5);
  });
  return popup;
}

function leak() {
  return show();
}

async function churn() {
  (await show()).close();
}

// Frames that are removed while a variable still knows their documents.
"use strict";

const kept = [];

async function leak() {
  const element = await frame("frame");
  kept.push(element.contentDocument);
  element.remove();
}

async function churn() {
  const element = await frame("frame");
  kept[0] = element.contentDocument;
  element.remove();
  kept.length = 0;
}

// The document is loaded again and again; a window that it opened once holds what each
// leaves there.
"use strict";

function holder() {
  const popup = window.open("", "holder", "popup");
  if (!popup.kept) popup.kept = new popup.Array();
  return popup;
}

// make is the popup's own array: one of this document would keep the document as well.
function make(popup) {
  return new popup.Array(12800).fill(1.5); // 8 bytes each: 100 KiB
}

function leak() {
  const popup = holder();
  popup.kept.push(make(popup));
}

function churn() {
  const popup = holder();
  popup.kept[0] = make(popup);
}

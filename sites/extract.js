// Runs once a page, in an isolated world. Gets a spec (see compile.go) and returns
// what decode.go reads. Every access goes through the prototypes, because a page's
// own elements shadow properties of document and of forms (<form name="title">).
async (spec) => {
  "use strict";
  const began = performance.now();
  const getter = (proto, name) => {
    const get = Object.getOwnPropertyDescriptor(proto, name).get;
    return (object) => get.call(object);
  };
  const method = (proto, name) => {
    const call = proto[name];
    return (object, ...args) => call.apply(object, args);
  };
  const doc = {
    title: getter(Document.prototype, "title"),
    body: getter(Document.prototype, "body"),
    root: getter(Document.prototype, "documentElement"),
    state: getter(Document.prototype, "readyState"),
    one: method(Document.prototype, "querySelector"),
    all: method(Document.prototype, "querySelectorAll"),
    evaluate: method(Document.prototype, "evaluate"),
  };
  const el = {
    all: method(Element.prototype, "querySelectorAll"),
    attr: method(Element.prototype, "getAttribute"),
    html: getter(Element.prototype, "innerHTML"),
    name: getter(Element.prototype, "localName"),
    first: getter(Element.prototype, "firstElementChild"),
  };
  const node = {
    base: getter(Node.prototype, "baseURI"),
    type: getter(Node.prototype, "nodeType"),
    text: getter(Node.prototype, "textContent"),
    value: getter(Node.prototype, "nodeValue"),
    child: getter(Node.prototype, "firstChild"),
    next: getter(Node.prototype, "nextSibling"),
    parent: getter(Node.prototype, "parentNode"),
  };
  const listen = method(EventTarget.prototype, "addEventListener");
  const [entry] = performance.getEntriesByType("navigation");

  // What came with another status is not what the waits are for; nor is Chrome's own error page (status 0).
  if (spec.p) {
    const status = location.protocol === "chrome-error:" ? 0 : entry && entry.responseStatus || 200;
    if (status !== 200) return { p: status };
  }

  // ---- Waits: events and mutations, no polling.
  const ready = (wait, done) => {
    if (wait.k === "selector") {
      const matches = () => doc.one(document, wait.s) !== null;
      if (matches()) { done(); return null; }
      const observer = new MutationObserver(() => matches() && done());
      observer.observe(document, { subtree: true, childList: true, attributes: true });
      return { last: matches, stop: () => observer.disconnect() };
    }
    // The document is "interactive" before its deferred scripts and modules have run,
    // and DOMContentLoaded comes after them.
    const reached = () => {
      const state = doc.state(document);
      const [entry] = performance.getEntriesByType("navigation");
      return state === "complete" ||
        wait.k === "dom" && state === "interactive" && (!entry || entry.domContentLoadedEventStart > 0);
    };
    if (reached()) { done(); return null; }
    const [target, event] = wait.k === "load" ? [window, "load"] : [document, "DOMContentLoaded"];
    const stop = new AbortController();
    listen(target, event, () => done(), { once: true, signal: stop.signal });
    return { last: reached, stop: () => stop.abort() };
  };
  const hold = (wait, index) => new Promise((resolve) => {
    let watch = null, timer = 0, over = false;
    const end = (failure) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      if (watch) watch.stop();
      resolve(failure);
    };
    try {
      watch = ready(wait, () => end(null));
    } catch (error) {
      end([index, 1, String(error.message)]);
      return;
    }
    if (over) return;
    timer = setTimeout(() => end(watch.last() || wait.o ? null : [index, 0, ""]), wait.t);
  });
  const failure = await new Promise((resolve) => {
    const holds = spec.w.map(hold);
    for (const one of holds) one.then((failed) => failed && resolve(failed));
    Promise.all(holds).then(() => resolve(null));
  });
  if (failure) return { w: failure };
  const waited = Math.round((performance.now() - began) * 1000);
  if (!spec.x) return { w: null };

  // ---- Extraction. CUT ends what does not fit; broken selectors are told once.
  const CUT = {};
  let left = spec.x.cap, steps = spec.x.steps;
  const cut = [], broken = new Map();
  const charge = (text) => {
    left -= 16 + (text === null ? 0 : text.length);
    if (left < 0) throw CUT;
    return text === null ? null : text.toWellFormed();
  };
  const spaces = new RegExp(spec.x.spaces, "gu");
  const skipped = new Set(["script", "style", "template", "noscript"]);
  const breaks = new Set(spec.x.breaks);

  // textOf is textContent without scripts, styles and templates, and with a line
  // break where a block or <br> parts the words. White space is folded.
  const textOf = (from) => {
    if (node.type(from) !== 1) return node.value(from) ?? "";
    const name = el.name(from);
    if (name === "template") return node.text(from.content ?? from);
    if (el.first(from) === null || skipped.has(name)) return node.text(from);
    let text = "", at = node.child(from);
    while (at !== null) {
      if (--steps < 0 || text.length > left) throw CUT;
      let down = null;
      const type = node.type(at);
      if (type === 3 || type === 4) {
        text += node.value(at).replace(spaces, " ");
      } else if (type === 1) {
        const tag = el.name(at);
        if (breaks.has(tag)) text += "\n";
        if (!skipped.has(tag)) down = node.child(at);
      }
      if (down !== null) { at = down; continue; }
      while (at !== from && node.next(at) === null) {
        at = node.parent(at);
        if (at !== from && breaks.has(el.name(at))) text += "\n";
      }
      if (at === from) break;
      if (node.type(at) === 1 && breaks.has(el.name(at))) text += "\n";
      at = node.next(at);
    }
    return text.replace(spaces, " ");
  };

  const names = {
    html: "http://www.w3.org/1999/xhtml", h: "http://www.w3.org/1999/xhtml",
    svg: "http://www.w3.org/2000/svg", math: "http://www.w3.org/1998/Math/MathML",
    xlink: "http://www.w3.org/1999/xlink", atom: "http://www.w3.org/2005/Atom",
  };
  const resolver = (prefix) => names[prefix] ?? null;
  // byXPath returns nodes, or a string where the expression gives no node-set.
  const byXPath = (expression, from, many) => {
    let result;
    try {
      result = doc.evaluate(document, expression, from, resolver, many ? 7 : 9, null);
    } catch (error) {
      if (error.name !== "TypeError") throw error;
      return [String(doc.evaluate(document, expression, from, resolver, 2, null).stringValue)];
    }
    if (!many) return result.singleNodeValue ? [result.singleNodeValue] : [];
    const found = [];
    for (let i = 0; i < result.snapshotLength; i++) found.push(result.snapshotItem(i));
    return found;
  };
  // find returns the matches of a selector below from, or from itself without one.
  const find = (index, from, many) => {
    if (index < 0) return [from === document ? doc.body(document) ?? doc.root(document) : from];
    if (broken.has(index)) return [];
    const [kind, selector] = spec.x.selectors[index];
    try {
      if (kind === 1) return byXPath(selector, from, many);
      if (node.type(from) === 1) return el.all(from, selector);
      return from === document ? doc.all(document, selector) : [];
    } catch (error) {
      broken.set(index, String(error.message).slice(0, 500));
      return [];
    }
  };

  const TEXT = 0, RAW = 1, ATTR = 2, HTML = 3, NESTED = 4;
  const take = (found, kind, detail) => {
    if (found === null || found === undefined) return null;
    if (kind === NESTED) return typeof found === "string" ? null : record(found, detail);
    if (typeof found === "string") return charge(found);
    const element = node.type(found) === 1;
    switch (kind) {
      case ATTR: return charge(element ? el.attr(found, detail) : node.value(found));
      case HTML: return charge(element ? el.html(found) : node.value(found));
      case RAW: return charge(node.text(element && el.name(found) === "template" ? found.content ?? found : found) ?? "");
      default: return charge(textOf(found));
    }
  };
  const record = (from, fields) => fields.map(([selector, many, kind, detail]) => {
    const found = find(selector, from, many);
    if (!many) { charge(null); return found.length ? take(found[0], kind, detail) : null; }
    const taken = [];
    for (let i = 0; i < found.length; i++) taken.push(take(found[i], kind, detail));
    return taken;
  });
  // within runs extract until the page's text no longer fits.
  const within = (index, extract) => {
    try {
      extract();
    } catch (error) {
      if (error !== CUT) throw error;
      cut.push(index);
    }
  };

  const items = spec.x.items.map(([each, fields], index) => {
    const records = [];
    within(index, () => {
      const found = each < 0 ? [document] : find(each, document, 1);
      for (let i = 0; i < found.length; i++) {
        if (typeof found[i] !== "string") records.push(record(found[i], fields));
      }
    });
    return records;
  });
  const scripts = spec.x.scripts.map((selector) => {
    const texts = [];
    within(-1, () => {
      const found = find(selector, document, 1);
      for (let i = 0; i < found.length; i++) texts.push(take(found[i], RAW, null));
    });
    return texts;
  });

  const base = node.base(document);
  left = spec.x.linkCap;
  const links = spec.x.links.map(([selector, attribute, limit]) => {
    const urls = new Set();
    within(-2, () => {
      const found = find(selector, document, 1);
      for (let i = 0; i < found.length && (limit === 0 || urls.size < limit); i++) {
        const one = found[i];
        const raw = typeof one === "string" ? one : node.type(one) === 1 ? el.attr(one, attribute) : node.value(one);
        let url;
        try { url = new URL(raw ?? "", base); } catch { continue; }
        if (!raw || url.protocol !== "http:" && url.protocol !== "https:") continue;
        url.hash = "";
        if (!urls.has(url.href)) urls.add(charge(url.href));
      }
    });
    return [...urls];
  });

  return {
    w: null,
    t: (doc.title(document) ?? "").slice(0, 10000).toWellFormed(),
    u: location.href,
    b: base,
    n: entry ? [entry.decodedBodySize, entry.responseStatus ?? 0, waited] : [0, 0, waited],
    i: items, s: scripts, l: links, c: cut, e: [...broken],
  };
}

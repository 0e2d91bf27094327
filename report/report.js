"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));

  // The target of a link may be in a fold, or be filtered out.
  const follow = () => {
    let name = location.hash.slice(1);
    if (/^f?[0-9a-f]{32}$/.test(name)) name = "f" + name.replace(/^f/, "").slice(0, 12);
    const target = name && !name.includes("=") && $(name);
    if (!target) return;
    if (target.closest("[hidden]")) clear();
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
    target.scrollIntoView();
  };

  // Each block of commands gets a button when it comes to be seen.
  const copyable = (from) => {
    for (const pre of all("pre", from)) {
      if (pre.previousElementSibling?.className === "copy" || !pre.checkVisibility()) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(pre.textContent);
        } catch {
          getSelection().selectAllChildren(pre);
          document.execCommand("copy");
        }
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
      });
      pre.before(button);
    }
  };

  // A large page has the commands once for alike findings. They get the names of the place
  // that is chosen. A name that a shell might read as more than a word stays out.
  const plain = /^[A-Za-z0-9][A-Za-z0-9._:@-]*$/;
  const namesOf = (cluster, part) => {
    const [project, location] = cluster.querySelector("h3 .soft").textContent.split(" / ");
    const segment = (name, kind) => (name ?? "").match(new RegExp(`(?:^|/)${kind}/([^/]+)`))?.[1];
    const { subnetwork } = cluster.dataset, network = cluster.querySelector(".tally bdi")?.textContent;
    const nat = part.match(/^gateway (\S+) of router (\S+), (\S+?)(?: of (\S+))?$/) ?? [];
    const other = part.match(/^subnetwork (\S+)(?: of (\S+))?$/) ?? [];
    return {
      PROJECT: project, LOCATION: location, CLUSTER: cluster.querySelector("h3 bdi").textContent,
      NODE_POOL: part.match(/^node pool (\S+)$/)?.[1],
      SERVICE_ACCOUNT_EMAIL: part.match(/^service account (\S+)/)?.[1],
      SUBNETWORK: other[1] ?? segment(subnetwork, "subnetworks"), NETWORK: segment(network, "networks"),
      GATEWAY: nat[1], ROUTER: nat[2],
      REGION: nat[3] ?? (other[1] && other[1] !== segment(subnetwork, "subnetworks") ? undefined : segment(subnetwork, "regions")),
      HOST_PROJECT: nat[1] ? nat[4] ?? project : other[1] ? other[2] ?? project : segment(subnetwork, "projects") ?? segment(network, "projects"),
    };
  };
  const fixable = (list) => {
    const fix = list.closest(".kind").querySelector(":scope > .fix");
    if (!fix || list.dataset.fixable) return;
    list.dataset.fixable = "yes";
    const vars = all("var", fix).map((el) => ({ el, word: el.textContent }));
    list.addEventListener("click", (event) => {
      if (event.target.className !== "names") return;
      const place = event.target.previousElementSibling;
      const cluster = $(place.closest("li").querySelector("a").hash.slice(1));
      const part = place.tagName === "I" ? place.textContent : "";
      const names = namesOf(cluster, part);
      for (const { el, word } of vars) el.textContent = plain.test(names[word] ?? "") ? names[word] : word;
      fix.querySelector("p.names").textContent = `For ${names.CLUSTER} ${part}`;
      fix.open = true;
      fix.querySelector("summary").focus();
      fix.scrollIntoView({ block: "nearest" });
    });
    for (const place of all("i, li[id] > a:only-child", list)) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "names";
      button.textContent = "Fix";
      button.setAttribute("aria-label", `Fix for ${place.closest("li").querySelector("a").textContent} ${place.tagName === "I" ? place.textContent : ""}`.trim());
      if (place.tagName === "I") {
        const pair = document.createElement("span");
        place.replaceWith(pair);
        pair.append(place);
      }
      place.after(button);
    }
  };

  const bar = document.querySelector(".filter");
  const fields = bar ? all("input, select", bar) : [];
  let index; // made when it is first needed
  const waiting = new Map(); // what to do with a fold's content when it opens

  const build = () => {
    if (index) return;
    const places = new Map(); // findings, by the names of their places
    const rules = all("section.rule:not(.rest)").map((el) => {
      const rule = { el, id: el.id.slice(5), severity: el.dataset.severity, kinds: [] };
      const text = (rule.id + " " + el.querySelector(".title").textContent).toLowerCase();
      for (const k of all(".kind", el)) {
        const kind = { el: k, status: k.classList[1], undecided: "undecided" in k.dataset, change: k.dataset.change, groups: [], fold: k.querySelector(":scope > details.where") };
        kind.text = text + " " + k.querySelector(".says").textContent.toLowerCase();
        for (const p of k.querySelector(".hits").children) {
          const group = { el: p, project: p.firstElementChild.textContent, hits: [] };
          for (const li of p.lastElementChild.children) {
            const link = li.firstElementChild, cluster = link.getAttribute("href").slice(1);
            const name = group.project + " " + link.textContent + " ";
            const parts = all("i", li);
            for (const el of li.id ? [li] : parts) {
              const one = { el, cluster, text: (name + (li.id ? parts[0]?.textContent ?? "" : el.textContent)).toLowerCase(), on: true };
              group.hits.push(one);
              places.set(el.id, one);
            }
          }
          kind.groups.push(group);
        }
        rule.kinds.push(kind);
      }
      return rule;
    });
    const tables = all(".glance").map((el) => ({ fold: el.closest("details"), rows: all("tbody tr", el).map((tr) => ({ el: tr, cluster: tr.querySelector("a").hash.slice(1) })) }));
    const clusters = all("section.cluster").map((el) => ({ el, id: el.id, list: el.querySelector("details.list"), links: null }));
    index = { rules, clusters, tables, places, rest: all(".rest") };
  };

  const hide = (el, hidden) => { if (el && el.hidden !== hidden) el.hidden = hidden; };

  // What is in a closed fold is filtered when it opens.
  const later = (fold, work) => {
    if (!fold || fold.open) work();
    else waiting.set(fold, work);
  };

  const filter = () => {
    build();
    const want = Object.fromEntries(fields.map((f) => [f.id, f.value]));
    const words = want.q.toLowerCase().split(/\s+/).filter(Boolean);
    const active = fields.some((f) => f.value);
    const found = new Map(); // how many, by cluster
    let shown = 0, total = 0;
    waiting.clear();
    for (const rule of index.rules) {
      let inRule = 0;
      for (const kind of rule.kinds) {
        const fits = (!want.severity || want.severity === rule.severity) &&
          (!want.status || want.status === kind.status || want.status === "undecided" && kind.undecided || want.status === "open" && kind.status !== "waived") &&
          (!want.change || want.change === kind.change) && (!want.rule || want.rule === rule.id);
        const rest = fits ? words.filter((w) => !kind.text.includes(w)) : [];
        let inKind = 0;
        for (const group of kind.groups) {
          const inProject = fits && (!want.project || want.project === group.project);
          let n = 0;
          for (const one of group.hits) {
            one.on = inProject && rest.every((w) => one.text.includes(w));
            total++;
            if (one.on) {
              n++;
              found.set(one.cluster, (found.get(one.cluster) || 0) + 1);
            }
          }
          group.n = n;
          inKind += n;
        }
        hide(kind.el, !inKind);
        if (inKind) {
          later(kind.fold, () => {
            for (const group of kind.groups) {
              hide(group.el, !group.n);
              if (!group.n) continue;
              for (const one of group.hits) hide(one.el, !one.on);
              for (const li of group.el.lastElementChild.children) if (!li.id) hide(li, !li.querySelector("i:not([hidden])"));
            }
          });
        }
        inRule += inKind;
      }
      hide(rule.el, !inRule);
      shown += inRule;
    }
    for (const cluster of index.clusters) {
      const none = active && !found.has(cluster.id);
      hide(cluster.el, none);
      if (none) continue;
      later(cluster.list, () => {
        cluster.links ||= all("h4 + ul a", cluster.el).filter((a) => index.places.has(a.hash.slice(1)));
        for (const a of cluster.links) hide(a, !index.places.get(a.hash.slice(1)).on);
        for (const li of all("h4 + ul > li", cluster.el)) hide(li, !li.querySelector("a:not([hidden])"));
        for (const ul of all("h4 + ul", cluster.el)) {
          const empty = !ul.querySelector(":scope > li:not([hidden])");
          hide(ul, empty);
          hide(ul.previousElementSibling, empty);
        }
      });
    }
    for (const table of index.tables) {
      const shown = (row) => !active || found.has(row.cluster);
      hide(table.fold, !table.rows.some(shown));
      later(table.fold, () => { for (const row of table.rows) hide(row.el, !shown(row)); });
    }
    for (const el of index.rest) hide(el, active);
    $("shown").textContent = active ? `${shown.toLocaleString("en")} of ${total.toLocaleString("en")} findings shown` : `${total.toLocaleString("en")} findings`;
    return active;
  };

  const keep = () => {
    const set = new URLSearchParams(fields.filter((f) => f.value).map((f) => [f.id, f.value])).toString();
    history.replaceState(null, "", set ? "#" + set : location.pathname + location.search);
  };

  const restore = () => {
    if (!bar || !location.hash.includes("=")) return;
    const set = new URLSearchParams(location.hash.slice(1));
    for (const f of fields) f.value = set.get(f.id) || "";
    filter();
  };

  const clear = () => {
    for (const f of fields) f.value = "";
    filter();
  };

  const start = () => {
    if (bar) {
      const option = (id, values) => $(id).append(...values.map((v) => new Option(v, v)));
      option("rule", all("section.rule:not(.rest)").map((el) => el.id.slice(5)).sort());
      option("project", Array.from(new Set(all(".hits > li > bdi").map((el) => el.textContent))).sort());
      bar.addEventListener("input", () => { filter(); keep(); });
      $("reset").addEventListener("click", () => { clear(); keep(); $("q").focus(); });
      bar.hidden = false;
    }
    document.addEventListener("toggle", (event) => {
      const work = waiting.get(event.target);
      if (work) {
        waiting.delete(event.target);
        work();
      }
      if (!event.target.open) return;
      copyable(event.target);
      if (event.target.className === "where") fixable(event.target.querySelector(".hits"));
    }, true);
    copyable(document);
    for (const list of all(".kind > .fix ~ .hits")) fixable(list);
    addEventListener("hashchange", () => { restore(); follow(); });
    restore();
    follow();
    if (bar) (window.requestIdleCallback ?? setTimeout)(build);
  };
  start();
})();

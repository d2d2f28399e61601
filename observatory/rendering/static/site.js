/* Search by name, sortable and filtered tables, communes found on a drawing. Every page is complete without it. */
"use strict";
(function () {
  const root = document.documentElement.dataset.root;

  function fold(text) {
    return text
      .toLowerCase()
      .replace(/œ/g, "oe")
      .replace(/æ/g, "ae")
      .normalize("NFD")
      .replace(/[\u0300-\u036f]/g, "")
      .replace(/[^a-z0-9]+/g, " ")
      .trim();
  }

  function startSearch(form) {
    const input = form.querySelector("input");
    const list = form.querySelector("[role=listbox]");
    const status = form.querySelector("[role=status]");
    const entries = window.OBSERVATORY_SEARCH.map(([label, kind, address, words]) => ({
      label,
      kind,
      address,
      name: fold(label),
      all: fold(label + " " + words + " " + kind),
    }));
    let active = -1;

    function find(query) {
      const words = fold(query).split(" ").filter(Boolean);
      if (!words.length) return [];
      const whole = words.join(" ");
      const weigh = (entry) => {
        if (entry.name === whole) return 0;
        if (entry.name.startsWith(whole)) return 1;
        if ((" " + entry.name).includes(" " + whole)) return 2;
        if (words.every((word) => entry.name.includes(word))) return 3;
        return 4;
      };
      return entries
        .filter((entry) => words.every((word) => entry.all.includes(word)))
        .map((entry) => [weigh(entry), entry])
        .sort((a, b) => a[0] - b[0] || a[1].name.localeCompare(b[1].name, "fr"))
        .slice(0, 12)
        .map((pair) => pair[1]);
    }

    function close() {
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }

    function mark(next) {
      const options = list.querySelectorAll("[role=option]");
      if (!options.length) return;
      active = (next + options.length) % options.length;
      options.forEach((option, rank) => option.setAttribute("aria-selected", String(rank === active)));
      input.setAttribute("aria-activedescendant", options[active].id);
      options[active].scrollIntoView({ block: "nearest" });
    }

    function show() {
      const found = find(input.value);
      list.replaceChildren();
      found.forEach((entry, rank) => {
        const option = document.createElement("li");
        option.id = "search-option-" + rank;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        const name = document.createElement("span");
        name.textContent = entry.label;
        const kind = document.createElement("small");
        kind.textContent = entry.kind;
        option.append(name, kind);
        option.addEventListener("mousedown", (event) => event.preventDefault());
        option.addEventListener("click", () => { window.location.href = root + entry.address; });
        option.dataset.address = entry.address;
        list.append(option);
      });
      active = -1;
      list.hidden = !found.length;
      input.setAttribute("aria-expanded", String(found.length > 0));
      input.removeAttribute("aria-activedescendant");
      if (!fold(input.value)) status.textContent = "";
      else if (!found.length) status.textContent = "Aucun territoire ne porte ce nom.";
      else status.textContent = found.length === 1 ? "1 résultat" : found.length + " résultats";
    }

    input.addEventListener("input", show);
    input.addEventListener("focus", () => { if (input.value) show(); });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) show();
        mark(event.key === "ArrowDown" ? active + 1 : active < 0 ? -1 : active - 1);
      } else if (event.key === "Escape") {
        close();
      }
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const options = list.querySelectorAll("[role=option]");
      const chosen = options[active < 0 ? 0 : active];
      if (!list.hidden && chosen) window.location.href = root + chosen.dataset.address;
    });
    form.hidden = false;
  }

  function startSorting(table) {
    const body = table.tBodies[0];
    Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      // A link inside a button cannot be followed: keep its text only.
      button.querySelectorAll("a").forEach((link) => link.replaceWith(...link.childNodes));
      header.append(button);
      button.addEventListener("click", () => {
        const descending = header.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        header.setAttribute("aria-sort", descending ? "descending" : "ascending");
        const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
        const compare = (a, b) => {
          const left = key(a);
          const right = key(b);
          if (left === "" || right === "") return (left === "") - (right === "");
          const numeric = !Number.isNaN(Number(left)) && !Number.isNaN(Number(right));
          const order = numeric ? Number(left) - Number(right) : left.localeCompare(right, "fr");
          return descending ? -order : order;
        };
        body.append(...Array.from(body.rows).sort(compare));
      });
    });
  }

  /* Names the commune under the pointer, and marks those whose name is typed. */
  function startFinder(form) {
    const drawing = document.getElementById(form.dataset.drawing);
    const svg = drawing.closest("svg") ?? drawing.querySelector("svg");
    const input = form.querySelector("input");
    const status = form.querySelector("[role=status]");
    const label = svg.querySelector(".label");
    const marks = Array.from(svg.querySelectorAll("a"), (link) => {
      const title = link.querySelector("title").textContent;
      return { link, title, place: title.split(" — ")[0], name: fold(title.split(" — ")[0]) };
    });

    function name(mark) {
      if (!label) return;
      label.textContent = mark ? mark.place : "";
      if (!mark) return;
      const box = mark.link.getBBox();
      const left = box.x > svg.viewBox.baseVal.width / 2;
      label.setAttribute("x", left ? box.x - 6 : box.x + box.width + 6);
      label.setAttribute("y", box.y + box.height);
      label.setAttribute("text-anchor", left ? "end" : "start");
    }

    function find() {
      const query = fold(input.value);
      const exact = marks.filter((mark) => mark.name === query);
      const close = query ? marks.filter((mark) => (" " + mark.name).includes(" " + query)) : [];
      const found = exact.length ? exact : close;
      svg.classList.toggle("searching", found.length > 0);
      for (const mark of marks) mark.link.classList.toggle("found", found.includes(mark));
      // What comes last is drawn over the rest.
      for (const mark of found) svg.insertBefore(mark.link, svg.querySelector(":scope > g"));
      name(found.length === 1 ? found[0] : null);
      if (!query) status.textContent = "";
      else if (!found.length) status.textContent = "Aucune commune ne porte ce nom.";
      else if (found.length > 1) status.textContent = found.length + " communes";
      else {
        const link = document.createElement("a");
        link.href = found[0].link.href.baseVal;
        link.textContent = found[0].title;
        status.replaceChildren(link);
      }
    }

    form.querySelector("datalist").append(
      ...marks.map((mark) => Object.assign(document.createElement("option"), { value: mark.place })),
    );
    for (const mark of marks) {
      mark.link.addEventListener("pointerenter", () => name(mark));
      mark.link.addEventListener("pointerleave", find);
    }
    input.addEventListener("input", find);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
  }

  /* Hides the rows of a table that do not match what is chosen or typed. */
  function startFilters(form) {
    const rows = Array.from(document.getElementById(form.dataset.table).tBodies[0].rows);
    const status = form.querySelector("[role=status]");

    function filter() {
      const wanted = Array.from(new FormData(form)).filter(([, value]) => value);
      let shown = 0;
      for (const row of rows) {
        row.hidden = !wanted.every(([name, value]) =>
          name === "words" ? fold(row.dataset.words).includes(fold(value)) : row.dataset[name] === value);
        if (!row.hidden) shown += 1;
      }
      status.textContent = shown === rows.length ? "" : shown + " sur " + rows.length;
    }

    form.addEventListener("input", filter);
    form.addEventListener("reset", () => setTimeout(filter));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    filter();
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (window.OBSERVATORY_SEARCH) document.querySelectorAll("form.search").forEach(startSearch);
    document.querySelectorAll("table.sortable").forEach(startSorting);
    document.querySelectorAll("form.finder").forEach(startFinder);
    document.querySelectorAll("form.filters").forEach(startFilters);
  });
})();

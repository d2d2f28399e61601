/* Search by name or postcode, sortable and filtered tables, communes found on a drawing. Every page is complete without it. */
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

  /* The forms a typed word may stand for. */
  const SPELLED = { st: "saint", ste: "sainte" };
  const SHOWN = 60;

  function searchable([label, kind, address, words, postcodes]) {
    const name = fold(label);
    return {
      label,
      kind,
      address,
      name,
      squeezed: name.replace(/ /g, ""),
      names: name.split(" "),
      others: fold(words + " " + kind).split(" "),
      all: fold(label + " " + words + " " + kind),
      postcodes: postcodes ? postcodes.split(" ") : [],
    };
  }

  /* How well an entry answers typed words: 0 its very name, then names that start so, words of the name that
     do, what the name contains, a postcode or another name; Infinity for no answer. */
  function weigh(entry, words) {
    const begins = (list, word) => list.some((one) => one.startsWith(word));
    const forms = (word) => (SPELLED[word] ? [word, SPELLED[word]] : [word]);
    const every = (test) => words.every((word) => forms(word).some(test));
    const whole = words.map((word) => SPELLED[word] ?? word).join(" ");
    if (entry.name === whole || entry.name === words.join(" ")) return 0;
    if (entry.name.startsWith(whole) || entry.squeezed.startsWith(words.join(""))) return 1;
    if (every((word) => begins(entry.names, word))) return 2;
    // A number or a single letter is in too many names to be looked for inside them.
    const inside = (text, word) => word.length > 1 && !/^\d+$/.test(word) && text.includes(word);
    if (every((word) => inside(entry.name, word))) return 3;
    if (every((word) => begins(entry.names, word) || begins(entry.postcodes, word))) return 4;
    const anywhere = [...entry.names, ...entry.postcodes, ...entry.others];
    return every((word) => begins(anywhere, word) || inside(entry.all, word)) ? 5 : Infinity;
  }

  /* Returns every entry that answers, the best first; places before the cités in them where they answer alike. */
  function find(entries, query) {
    const words = fold(query).split(" ").filter(Boolean);
    if (!words.length) return [];
    const cite = (entry) => Number(entry.address.startsWith("cites/"));
    return entries
      .map((entry) => [weigh(entry, words), entry])
      .filter(([weight]) => weight < Infinity)
      .sort((a, b) => a[0] - b[0] || cite(a[1]) - cite(b[1]) || a[1].name.localeCompare(b[1].name, "fr"))
      .map((pair) => pair[1]);
  }

  /* The postcode of an entry that a typed number begins, to be shown beside its name. */
  function typedPostcode(entry, query) {
    const typed = fold(query).split(" ").filter((word) => /^\d+$/.test(word));
    return entry.postcodes.find((code) => typed.some((word) => code.startsWith(word)));
  }

  /* Makes a form a search box; `choose` is told the address of what is chosen. */
  function startSearch(form, choose) {
    const input = form.querySelector("input");
    const list = form.querySelector("[role=listbox]");
    const status = form.querySelector("[role=status]");
    const entries = window.OBSERVATORY_SEARCH.map(searchable);
    let active = -1;

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
      const answers = find(entries, input.value);
      const found = answers.slice(0, SHOWN);
      list.replaceChildren();
      found.forEach((entry, rank) => {
        const option = document.createElement("li");
        option.id = input.id + "-" + rank;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        const name = document.createElement("span");
        name.textContent = entry.label;
        const kind = document.createElement("small");
        const postcode = typedPostcode(entry, input.value);
        kind.textContent = postcode ? postcode + " · " + entry.kind : entry.kind;
        option.append(name, kind);
        option.addEventListener("mousedown", (event) => event.preventDefault());
        option.addEventListener("click", () => { close(); choose(entry.address, entry.label); });
        list.append(option);
      });
      active = -1;
      list.hidden = !found.length;
      input.setAttribute("aria-expanded", String(found.length > 0));
      input.removeAttribute("aria-activedescendant");
      if (!fold(input.value)) status.textContent = "";
      else if (!found.length) status.textContent = "Aucun territoire ne porte ce nom ni ce code postal.";
      else if (found.length < answers.length) {
        status.textContent = "Les " + found.length + " premiers résultats sur " + answers.length;
      } else status.textContent = found.length === 1 ? "1 résultat" : found.length + " résultats";
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
      if (!list.hidden && chosen) chosen.click();
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
        const key = (row) => row.cells[column].dataset.sort ?? written(row.cells[column]);
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

  /* Returns what a cell shows: in a column of figures, the number that it starts with. */
  function written(cell) {
    const text = cell.textContent.trim();
    if (!cell.classList.contains("n")) return text;
    const figure = text.replace(/[\u202f\u00a0]/g, "").replace("\u2212", "-").replace(",", ".");
    const value = parseFloat(figure);
    return Number.isNaN(value) ? text : String(value);
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

  /* Hides the rows of a table, or the items of a list, that do not match what is chosen or typed. */
  function startFilters(form) {
    const list = document.getElementById(form.dataset.table);
    const rows = Array.from(list.tBodies ? list.tBodies[0].rows : list.querySelectorAll("[data-words]"));
    const status = form.querySelector("[role=status]");

    function filter() {
      const wanted = Array.from(new FormData(form)).filter(([, value]) => value);
      let shown = 0;
      for (const row of rows) {
        row.hidden = !wanted.every(([name, value]) =>
          name === "words" ? fold(row.dataset.words).includes(fold(value)) : row.dataset[name].split("|").includes(value));
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

  /* How files write the statuses of figures that are not published: CSS class and word. */
  const STATUSES = {
    s: ["secret", "secret"],
    m: ["missing", "manquant"],
    o: ["not_applicable", "sans objet"],
    d: ["not_available", "non disponible"],
  };

  function french(value, decimals) {
    const [whole, rest] = Math.abs(value).toFixed(decimals).split(".");
    const sign = value < 0 && Number(Math.abs(value).toFixed(decimals)) ? "\u2212" : "";
    return sign + whole.replace(/\B(?=(\d{3})+$)/g, "\u202f") + (rest ? "," + rest : "");
  }

  function element(name, css, ...content) {
    const made = document.createElement(name);
    if (css) made.className = css;
    made.append(...content);
    return made;
  }

  /* Loads a script of the site, which works from a folder where fetching a file does not. */
  function addScript(address) {
    return new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = root + address;
      script.onload = done;
      script.onerror = () => failed(new Error(address));
      document.head.append(script);
    });
  }

  /* Fills a cell with a figure as the pages write it: a number, or the letter of a status. */
  function fillFigure(cell, value, about, fictive) {
    const published = typeof value === "number";
    cell.className = fictive && published ? "n fictive" : "n";
    cell.dataset.sort = published ? value : "";
    if (published) cell.replaceChildren(french(value, about.decimals));
    else cell.replaceChildren(element("span", "status status-" + STATUSES[value][0], STATUSES[value][1]));
    if (fictive && published) cell.append(" ", element("span", "mark", "fictif"));
  }

  /* Keeps a chart within a printed page: Plotly's drawings keep the width of the screen. */
  function startPrinting(box) {
    const redraw = (change) => { if (window.Plotly && box.querySelector("svg")) window.Plotly.relayout(box, change); };
    window.addEventListener("beforeprint", () => redraw({ autosize: false, width: 660 }));
    window.addEventListener("afterprint", () => redraw({ autosize: true, width: null }));
  }

  /* What the scripts of single pages share. */
  window.OBSERVATORY = {
    STATUSES,
    addScript,
    element,
    fillFigure,
    fold,
    french,
    startPrinting,
    startSearch,
    search: (query) => find(window.OBSERVATORY_SEARCH.map(searchable), query),
  };

  document.addEventListener("DOMContentLoaded", () => {
    if (window.OBSERVATORY_SEARCH) {
      document.querySelectorAll("form.search:not([data-own])").forEach((form) =>
        startSearch(form, (address) => { window.location.href = root + address; }));
    }
    document.querySelectorAll("table.sortable").forEach(startSorting);
    document.querySelectorAll("form.finder").forEach(startFinder);
    document.querySelectorAll("form.filters").forEach(startFilters);
  });
})();

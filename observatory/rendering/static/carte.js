/* The map: indicator, year, second indicator, frame, contours. The page shows a first indicator without it. */
"use strict";
(function () {
  const { STATUSES, addScript, element, fillFigure, french, search, startPrinting } = window.OBSERVATORY;
  const root = document.documentElement.dataset.root;
  const TYPOLOGY = "typologie";
  const PROPERTY = "bien";
  const LARGEST = 26;
  // Told apart by colour-blind readers, with a symbol each.
  const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#332288", "#666666"];
  const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down", "star"];
  const title = document.title;
  const catalogue = new Map();
  const loading = {};
  const state = {};
  let form, views, rows, names, selected;

  window.OBSERVATORY_MAP = {};

  /* Values of an indicator, from its file; a file that failed is asked again next time. */
  async function values(name) {
    if (!window.OBSERVATORY_MAP[name]) {
      loading[name] ??= addScript("assets/carte/" + name + ".js").finally(() => delete loading[name]);
      await loading[name];
    }
    return window.OBSERVATORY_MAP[name];
  }

  /* One figure of one indicator: how it reads, which class it falls in. */
  class Reading {
    constructor(name, data, year) {
      this.name = name;
      this.data = data;
      if (name === TYPOLOGY) {
        this.classes = new Map(data.classes.map((one) => [one.number, one]));
        return;
      }
      this.about = catalogue.get(name);
      this.position = Math.max(0, data.vintages.indexOf(year));
      if (!data.vintages.includes(year)) this.position = data.vintages.length - 1;
      this.year = data.vintages[this.position];
      this.scale = this.about.scale;
      this.made = new Set((data.fictive || {})[this.year] || []);
    }

    get heading() {
      return this.about ? this.about.label : "Classes de la typologie des communes";
    }

    get details() {
      return this.about ? this.about.unit + ", " + this.year : "";
    }

    value(code) {
      const value = this.data.values[code][this.position];
      return typeof value === "number" ? value : null;
    }

    fictive(code) {
      return this.about ? this.about.fictive || this.made.has(code) : false;
    }

    get anyFictive() {
      return Boolean(this.about) && (this.about.fictive || this.made.size > 0);
    }

    css(code) {
      if (!this.about) return this.classes.get(this.data.members[code])?.css ?? "d";
      const value = this.value(code);
      if (value === null) return this.data.values[code][this.position];
      if (this.about.total) return "land";
      return this.scale.tones[this.scale.bounds.filter((bound) => bound <= value).length];
    }

    text(code) {
      if (!this.about) return this.classes.get(this.data.members[code])?.label ?? "non classée";
      const value = this.value(code);
      if (value === null) return STATUSES[this.data.values[code][this.position]][1];
      return french(value, this.about.decimals) + "\u00a0" + this.about.unit.replace(/ /g, "\u00a0") +
        (this.fictive(code) ? " (fictif)" : "");
    }
  }

  class View {
    constructor(figure) {
      this.figure = figure;
      this.svg = figure.querySelector("svg");
      this.communes = figure.querySelector(".communes");
      this.circles = figure.querySelector(".circles");
      this.mark = figure.querySelector(".mark");
      this.legend = figure.querySelector("[data-legend]");
    }

    /* Takes the shapes of the first map, which the page holds once. */
    copy(other) {
      for (const part of ["communes", "borders", "contours"]) {
        const from = other.svg.querySelector("." + part);
        this.svg.querySelector("." + part).append(...Array.from(from.childNodes, (node) => node.cloneNode(true)));
      }
    }

    find() {
      this.links = new Map(Array.from(this.communes.querySelectorAll("a"), (link) => [link.dataset.code, link]));
      for (const link of this.links.values()) {
        link.addEventListener("pointerenter", () => point(link.dataset.code));
        link.addEventListener("pointerleave", () => point(selected));
        // The first touch says what the commune is, the second opens its sheet.
        link.addEventListener("click", (event) => {
          if (event.pointerType !== "touch" || selected === link.dataset.code) return;
          event.preventDefault();
          select(link.dataset.code);
        });
      }
    }

    draw(reading) {
      this.reading = reading;
      const about = reading.about;
      const made = reading.anyFictive;
      this.figure.className = "map-figure hue-" + (reading.scale?.hue ?? "neutre");
      this.communes.classList.toggle("made", made);
      for (const [code, link] of this.links) {
        link.setAttribute("class", reading.css(code));
        link.querySelector("title").textContent = names.get(code) + " — " + reading.text(code);
      }
      const heading = this.figure.querySelector("[data-title]");
      heading.replaceChildren(reading.heading + " ", element("small", "", reading.details));
      if (made) heading.append(" ", element("span", "mark", "fictif"));
      this.svg.setAttribute("aria-label", "Carte des communes\u202f: " + reading.heading + ", " +
        reading.details + "\u202f; mêmes valeurs dans le tableau");
      this.drawCircles(reading);
      this.drawLegend(reading, about, made);
    }

    drawCircles(reading) {
      this.circles.replaceChildren();
      this.circles.classList.toggle("made-circles", reading.anyFictive);
      if (!reading.about?.total || !reading.scale) return;
      const largest = LARGEST * this.closeness;
      const most = Math.max(Math.abs(reading.scale.low), Math.abs(reading.scale.high)) || 1;
      const drawn = Array.from(this.links, ([code, link]) => [reading.value(code), link]).filter(([value]) => value);
      drawn.sort((a, b) => Math.abs(b[0]) - Math.abs(a[0]));
      for (const [value, link] of drawn) {
        const [x, y] = link.dataset.middle.split(" ");
        const circle = document.createElementNS(this.svg.namespaceURI, "circle");
        circle.setAttribute("cx", x);
        circle.setAttribute("cy", y);
        circle.setAttribute("r", String(Math.sqrt(Math.abs(value) / most) * largest));
        if (value < 0) circle.setAttribute("class", "below");
        this.circles.append(circle);
      }
    }

    drawLegend(reading, about, made) {
      const given = {};
      for (const code of this.links.keys()) given[reading.css(code)] = (given[reading.css(code)] || 0) + 1;
      const lines = [];
      const line = (css, text, count) => {
        const item = element("li", "", element("span", "swatch " + css), text);
        if (count !== undefined) item.append(" ", element("small", "", "(" + french(count, 0) + ")"));
        lines.push(item);
      };
      if (!about) {
        for (const one of reading.classes.values()) line(one.css, one.label, given[one.css] || 0);
      } else if (about.total && reading.scale) {
        lines.push(...discs(reading.scale, about));
      } else if (reading.scale) {
        reading.scale.tones.forEach((tone, rank) => line(tone, reading.scale.labels[rank], given[tone] || 0));
      }
      for (const [letter, [, text]] of Object.entries(STATUSES)) {
        if (given[letter]) line(letter, about ? text : "non classée", given[letter]);
      }
      if (about && !reading.scale) lines.push(element("li", "", "Aucune valeur n’est publiée."));
      this.legend.classList.toggle("made", made);
      this.legend.replaceChildren(...lines);
    }

    /* Lays the inscribed property and its buffer zone over the communes, or takes them away. */
    drawZones(paths) {
      const zones = this.svg.querySelector(".zones");
      zones.replaceChildren();
      if (!paths) return;
      const scaled = document.createElementNS(this.svg.namespaceURI, "g");
      scaled.setAttribute("transform", "scale(0.1)");
      for (const part of ["buffer", "inscribed"]) {
        const path = document.createElementNS(this.svg.namespaceURI, "path");
        path.setAttribute("d", paths[part] ?? "");
        path.setAttribute("class", "z-" + part);
        scaled.append(path);
      }
      zones.append(scaled);
    }

    /* Shows an EPCI or the basin; hatching and circles keep their size on the screen. */
    frame(zone) {
      const whole = this.whole ??= this.svg.getAttribute("viewBox");
      this.svg.setAttribute("viewBox", zone ? this.around(zone) : whole);
      this.closeness = this.svg.viewBox.baseVal.width / Number(whole.split(" ")[2]);
      const pixel = this.svg.viewBox.baseVal.width / (this.svg.getBoundingClientRect().width || 1000);
      for (const pattern of this.svg.querySelectorAll("pattern")) {
        pattern.setAttribute("patternTransform", "rotate(" + (pattern.dataset.turn || 0) + ") scale(" + pixel + ")");
      }
    }

    around(zone) {
      const boxes = Array.from(this.links.values(), (link) => link.dataset.epci === zone && link.getBBox()).filter(Boolean);
      const left = Math.min(...boxes.map((box) => box.x));
      const top = Math.min(...boxes.map((box) => box.y));
      const right = Math.max(...boxes.map((box) => box.x + box.width));
      const bottom = Math.max(...boxes.map((box) => box.y + box.height));
      return [left - 5, top - 5, right - left + 10, bottom - top + 10].join(" ");
    }

    point(code) {
      this.mark.replaceChildren();
      const path = code && this.links.get(code)?.querySelector("path");
      if (path) this.mark.append(path.cloneNode(), path.cloneNode());
    }
  }

  /* Three circles of round values, to read the others by. */
  function discs(scale, about) {
    const most = Math.max(Math.abs(scale.low), Math.abs(scale.high)) || 1;
    const round = (value) => {
      const step = 10 ** Math.floor(Math.log10(value));
      return Math.max(1, Math.floor(value / step) * step);
    };
    const width = views[0].svg.getBoundingClientRect().width / Number(views[0].whole.split(" ")[2]) || 1;
    return [...new Set([round(most), round(most / 5), round(most / 25)])].map((value) => {
      const disc = element("span", "disc");
      disc.style.width = disc.style.height = 2 * Math.sqrt(value / most) * LARGEST * width + "px";
      return element("li", "", disc, french(value, 0) + "\u00a0" + about.unit);
    });
  }

  function readings() {
    return views.map((view) => (view.figure.hidden ? null : view.reading)).filter(Boolean);
  }

  /* Says what a commune is, on both maps at once. */
  function point(code) {
    for (const view of views) if (!view.figure.hidden) view.point(code);
    document.getElementById("survol").textContent = code
      ? names.get(code) + "\u202f: " + readings().map((one) => one.heading + ", " + one.text(code) +
        (one.year ? " (" + one.year + ")" : "")).join("\u202f; ")
      : "";
  }

  function select(code) {
    selected = code;
    state.commune = code || "";
    const status = document.getElementById("lecture");
    status.replaceChildren();
    if (code) {
      const link = element("a", "", "Ouvrir la fiche de la commune");
      link.href = root + "communes/" + code + "/index.html";
      const told = readings().map((one) => one.heading + ", " + one.text(code) + (one.year ? " en " + one.year : ""));
      const compare = element("a", "", "La comparer");
      const epci = views[0].links.get(code).dataset.epci;
      compare.href = root + "comparer/index.html#t=commune:" + code + ",epci:" + epci + ",basin:BM";
      status.append(names.get(code) + "\u202f: " + told.join("\u202f; ") + ". ", link, " · ", compare);
    }
    point(code);
    remember();
  }

  function drawTable() {
    const shown = [views[0].reading, views[1].figure.hidden ? null : views[1].reading];
    const table = document.getElementById("tableau-carte");
    shown.forEach((reading, rank) => {
      const head = table.querySelector(rank ? '[data-head="b"]' : '[data-head="a"]');
      const header = head.closest("th");
      header.hidden = !reading;
      header.removeAttribute("aria-sort");
      if (reading) head.replaceChildren(reading.heading + " ", element("small", "", reading.details));
      for (const [code, row] of rows) fill(row.cells[2 + rank], reading, code);
    });
  }

  function fill(cell, reading, code) {
    cell.hidden = !reading;
    if (!reading) return;
    if (reading.about) {
      fillFigure(cell, reading.data.values[code][reading.position], reading.about, reading.fictive(code));
      return;
    }
    cell.className = "";
    cell.dataset.sort = reading.data.members[code] ?? "";
    cell.replaceChildren(reading.text(code));
  }

  async function drawCloud() {
    const section = document.getElementById("nuage");
    const pair = readings();
    section.hidden = pair.length < 2 || pair.some((one) => !one.about);
    if (section.hidden) return;
    if (!window.Plotly) await (loading.plotly ??= addScript("assets/plotly.min.js"));
    const fictive = pair.some((one) => one.anyFictive);
    const heading = section.querySelector("figcaption");
    heading.replaceChildren(pair.map((one) => one.heading + " (" + one.details + ")").join(" et "));
    if (fictive) heading.append(" ", element("span", "mark", "fictif"));
    const zones = Array.from(form.elements.zone.options).slice(1);
    const traces = zones.map((zone, rank) => {
      const codes = Array.from(views[0].links.keys()).filter((code) =>
        views[0].links.get(code).dataset.epci === zone.value && pair.every((one) => one.value(code) !== null));
      return {
        type: "scatter",
        mode: "markers",
        name: zone.textContent,
        x: codes.map((code) => pair[0].value(code)),
        y: codes.map((code) => pair[1].value(code)),
        customdata: codes,
        text: codes.map((code) => names.get(code) + "<br>" + pair.map((one) => one.text(code)).join("<br>")),
        hoverinfo: "text",
        marker: {
          color: COLOURS[rank % COLOURS.length],
          symbol: SYMBOLS[rank % SYMBOLS.length] + (fictive ? "-open" : ""),
          size: 9,
          line: { color: fictive ? COLOURS[rank % COLOURS.length] : "#ffffff", width: 1 },
        },
      };
    });
    const axis = (one) => ({ title: { text: one.heading + "<br>(" + one.details + ")", font: { size: 12 } }, automargin: true, tickformat: ",.2~f" });
    const box = section.querySelector(".chart-box");
    await window.Plotly.react(box, traces, {
      height: 520,
      separators: ",\u202f",
      xaxis: axis(pair[0]),
      yaxis: axis(pair[1]),
      legend: { orientation: "h", y: -0.28 },
      margin: { l: 70, r: 12, t: 12, b: 60 },
      hovermode: "closest",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: "#1f2b38" },
      hoverlabel: { bgcolor: "#1f2b38", font: { color: "#ffffff" } },
      annotations: fictive ? [{
        text: "DONNÉES FICTIVES", xref: "paper", yref: "paper", x: 0.5, y: 0.5, showarrow: false, textangle: -18,
        opacity: 0.55, font: { size: box.clientWidth < 480 ? 15 : 24, color: "#a3341f" },
      }] : [],
    }, { displayModeBar: false, responsive: true });
    box.removeAllListeners("plotly_hover");
    box.removeAllListeners("plotly_unhover");
    box.removeAllListeners("plotly_click");
    box.on("plotly_hover", (event) => point(event.points[0].customdata));
    box.on("plotly_unhover", () => point(selected));
    box.on("plotly_click", (event) => select(event.points[0].customdata));
  }

  async function draw() {
    const asked = [state.indicateur, state.second, state.couche === PROPERTY ? PROPERTY : ""];
    const failure = document.getElementById("echec");
    failure.hidden = true;
    let found;
    try {
      found = await Promise.all(asked.map((name) => (name ? values(name) : null)));
    } catch {
      failure.hidden = false;
      return;
    }
    // Another choice may have been made while these values came.
    if (asked[0] !== state.indicateur || asked[1] !== state.second || !found[2] !== (state.couche !== PROPERTY)) return;
    const first = new Reading(asked[0], found[0], state.annee);
    if (first.about) state.annee = first.year;
    views[1].figure.hidden = !found[1];
    for (const view of views) if (!view.figure.hidden) view.frame(state.zone);
    views[0].draw(first);
    if (found[1]) views[1].draw(new Reading(asked[1], found[1], state.annee));
    for (const view of views) {
      for (const name of ["cites", "unesco", "interet", "programme"]) {
        view.svg.classList.toggle("layer-" + name, state.couche === name);
      }
    }
    for (const view of views) view.drawZones(state.couche === PROPERTY ? found[2].paths : null);
    for (const legend of document.querySelectorAll("[data-layer]")) legend.hidden = legend.dataset.layer !== state.couche;
    setYears(first);
    const fictive = readings().some((one) => one.anyFictive);
    document.getElementById("avis-fictif")?.toggleAttribute("hidden", !fictive);
    document.body.classList.toggle("has-fictive", fictive);
    document.title = fictive ? title.replace(" —", " (données fictives) —") : title;
    document.getElementById("comparabilite").textContent = comparability();
    drawTable();
    select(selected);
    await drawCloud();
  }

  function comparability() {
    const shown = readings().filter((one) => one.about);
    const texts = shown.map((one) => (shown.length > 1 ? one.heading + "\u202f: " : "") + one.about.comparability);
    if (shown.length > 1 && shown[0].year !== shown[1].year) {
      texts.push("Les deux indicateurs ne sont pas de la même année.");
    }
    return texts.join(" ");
  }

  function setYears(reading) {
    const years = reading.about ? reading.data.vintages : [];
    const label = form.querySelector("[data-years]");
    label.hidden = years.length < 2;
    const slider = form.elements.annee;
    slider.max = String(Math.max(0, years.length - 1));
    slider.value = String(reading.position ?? 0);
    slider.setAttribute("aria-valuetext", String(reading.year ?? ""));
    label.querySelector("strong").textContent = reading.year ?? "";
  }

  function remember() {
    const kept = Object.entries(state).filter(([, value]) => value);
    const hash = "#" + kept.map(([name, value]) => name + "=" + encodeURIComponent(value)).join("&");
    if (window.location.hash !== hash) window.history.replaceState(null, "", hash);
  }

  /* Reads the choices of an address, and leaves out those that this edition does not offer. */
  function recall() {
    const asked = new URLSearchParams(window.location.hash.slice(1));
    const offered = (name, value) => Array.from(form.elements[name]?.options ?? []).some((one) => one.value === value);
    const choice = (name, otherwise) => (offered(name, asked.get(name)) ? asked.get(name) : otherwise);
    state.indicateur = choice("indicateur", form.dataset.first);
    state.annee = Number(asked.get("annee")) || undefined;
    state.second = choice("second", "");
    state.zone = choice("zone", "");
    state.couche = choice("couche", "");
    selected = names.has(asked.get("commune")) ? asked.get("commune") : undefined;
    state.commune = selected || "";
    for (const name of ["indicateur", "second", "zone", "couche"]) {
      if (form.elements[name]) form.elements[name].value = state[name];
    }
  }

  function listen() {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const input = form.elements.commune;
      const codes = search(input.value).map((entry) => entry.address.split("/")).filter(([folder]) => folder === "communes");
      if (!codes.length) {
        document.getElementById("lecture").textContent = "Aucune commune ne porte ce nom ni ce code postal.";
        return;
      }
      input.value = names.get(codes[0][1]);
      select(codes[0][1]);
    });
    form.addEventListener("input", (event) => {
      const name = event.target.name;
      if (name === "commune") {
        const typed = window.OBSERVATORY.fold(event.target.value);
        const found = Array.from(names).filter(([, one]) => window.OBSERVATORY.fold(one) === typed);
        if (found.length || !typed) select(found[0]?.[0]);
        return;
      }
      if (name === "annee") state.annee = views[0].reading.data.vintages[Number(event.target.value)];
      else state[name] = event.target.value;
      if (name === "indicateur") state.annee = undefined;
      draw();
    });
    window.addEventListener("hashchange", () => { recall(); draw(); });
  }

  function start() {
    form = document.getElementById("reglages");
    if (!form || !window.OBSERVATORY_INDICATORS) return;
    for (const one of window.OBSERVATORY_INDICATORS) catalogue.set(one.indicator, one);
    views = ["carte-a", "carte-b"].map((id) => new View(document.getElementById(id)));
    views[1].copy(views[0]);
    for (const view of views) view.find();
    rows = new Map(Array.from(document.querySelectorAll("#tableau-carte tbody tr"), (row) => [row.dataset.code, row]));
    names = new Map(Array.from(rows, ([code, row]) => [code, row.cells[0].textContent]));
    form.elements.second.append(...Array.from(form.elements.indicateur.children, (one) => one.cloneNode(true)));
    for (const one of form.elements.second.querySelectorAll("[selected]")) one.removeAttribute("selected");
    document.getElementById("communes-noms").append(
      ...Array.from(names.values(), (name) => Object.assign(document.createElement("option"), { value: name })));
    startPrinting(document.querySelector("#nuage .chart-box"));
    listen();
    recall();
    form.hidden = false;
    draw();
  }

  document.addEventListener("DOMContentLoaded", start);
})();

/* The demo's page: messages, and the state of the connection. Plain ES5. */
(function () {
  "use strict";

  var MAX_MESSAGES = 100;
  var script = document.currentScript;
  var countdown;

  function byId(id) {
    return document.getElementById(id);
  }

  /* Messages. */

  function showMessage(data, message) {
    var title = data && typeof data === "object" ? data.title : data;
    addItem("message", {
      event: message.event,
      channel: message.channel,
      text: title === undefined ? "" : String(title),
      data: JSON.stringify(data)
    });
  }

  function showGap(channel) {
    var text = "Messages on this channel may have been lost.";
    addItem("gap", { event: "gap", channel: channel, text: text, data: "" });
  }

  function addItem(kind, texts) {
    var item = document.importNode(byId("message").content, true);
    item.firstElementChild.className = kind;
    for (var name in texts) {
      item.querySelector("." + name).textContent = texts[name];
    }
    item.querySelector("time").textContent = new Date().toLocaleTimeString();
    var list = byId("messages");
    list.insertBefore(item, list.firstChild);
    if (list.children.length > MAX_MESSAGES) {
      list.removeChild(list.lastElementChild);
    }
    showWhetherEmpty();
  }

  function showWhetherEmpty() {
    var isEmpty = !byId("messages").children.length;
    byId("empty").hidden = !isEmpty;
    byId("clear").hidden = isEmpty;
  }

  byId("clear").onclick = function () {
    byId("messages").textContent = "";
    showWhetherEmpty();
  };

  /* The state of the connection: for each state, the label and the hint under it. */

  var STATES = {
    connecting: function () {
      return ["connecting", ""];
    },
    connected: function (detail) {
      return ["connected · " + detail.transport, "Connection " + detail.connection];
    },
    interrupted: function (detail) {
      return ["interrupted · " + detail.transport, "The gateway has lost Redis, so no message can arrive. It resumes by itself."];
    },
    waiting: function (detail) {
      return ["waiting", "Connection lost: " + because(detail) + ". It reconnects by itself."];
    },
    offline: function () {
      return ["offline", "This browser has no network. It reconnects by itself."];
    },
    closed: function (detail) {
      return ["closed", "The connection is closed: " + because(detail) + "."];
    }
  };

  function because(detail) {
    return (detail.reason || "the connection broke") + " (" + detail.code + ")";
  }

  function showState(state, detail) {
    clearInterval(countdown);
    var texts = STATES[state](detail);
    byId("state").setAttribute("data-state", state);
    byId("state-text").textContent = texts[0];
    byId("state-hint").textContent = texts[1];
    if (state === "waiting") {
      countDown(detail.ms);
    }
    if (state === "closed") {
      offerLogin();
    }
  }

  function countDown(ms) {
    var until = Date.now() + ms;
    function tick() {
      var seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      byId("state-text").textContent = "waiting " + seconds + " s";
    }
    tick();
    countdown = setInterval(tick, 250);
  }

  function offerLogin() {
    var link = document.createElement("a");
    link.href = script.getAttribute("data-login");
    link.textContent = "Log in again";
    byId("state-hint").appendChild(document.createTextNode(" "));
    byId("state-hint").appendChild(link);
  }

  /* The forms are sent by script, so that the page and its connection stay. */

  function encode(form) {
    var pairs = [];
    for (var i = 0; i < form.elements.length; i++) {
      var field = form.elements[i];
      if (field.name) {
        pairs.push(encodeURIComponent(field.name) + "=" + encodeURIComponent(field.value));
      }
    }
    return pairs.join("&");
  }

  function answerOf(request) {
    if (/json/.test(request.getResponseHeader("Content-Type") || "")) {
      return JSON.parse(request.responseText).sent;
    }
    if (request.status === 200) {
      return "Not sent: this page's login has ended.";
    }
    return request.status ? "Not sent: status " + request.status + "." : "Not sent: no answer.";
  }

  function send(event) {
    event.preventDefault();
    var form = event.currentTarget;
    var output = form.querySelector("output");
    var request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.onloadend = function () {
      output.textContent = answerOf(request);
    };
    output.textContent = "";
    request.send(encode(form));
  }

  /* Presence of the lobby, requested again at each join and leave. */

  var names = JSON.parse(byId("names").textContent);

  function showPresent(refusal, frame) {
    if (refusal) {
      return;
    }
    var present = [];
    for (var user in frame.users) {
      present.push(names[user] || "user " + user);
    }
    byId("present").textContent = present.join(", ") || "nobody";
  }

  function showPresence(lobby) {
    function update() {
      lobby.presence(showPresent);
    }
    rt.on("state", function () {
      if (lobby.state !== "subscribed") {
        byId("present").textContent = "…";
      }
    });
    lobby.on("subscribed", update).on("join", update).on("leave", update);
  }

  /* Copying a command. */

  function copy(event) {
    var button = event.currentTarget;
    var code = byId(button.getAttribute("data-copy"));
    window.getSelection().selectAllChildren(code);
    document.execCommand("copy");
    button.textContent = "Copied";
    setTimeout(function () {
      button.textContent = "Copy";
    }, 1500);
  }

  function listen(selector, name, handler) {
    var found = document.querySelectorAll(selector);
    for (var i = 0; i < found.length; i++) {
      found[i].addEventListener(name, handler);
    }
  }

  listen("[data-push]", "submit", send);
  listen("[data-copy]", "click", copy);

  /* The use of Sockgate. */

  var transport = script.getAttribute("data-transport");
  var rt = Sockgate.connect(transport ? { transports: [transport] } : {});
  rt.on("*", showMessage);
  rt.on("gap", showGap);
  rt.onstate = showState;
  showPresence(rt.subscribe(script.getAttribute("data-lobby")));
})();

"use strict";

// The key is kept in this browser and travels as a header, and in the first message of a socket.
(function () {
  const KEPT = "ventros:api-key";

  const INBOX = `# The inbox: open chats, newest first, with their last message.
query Inbox {
  viewer { name tenant { name } project { name } }
  chats(first: 10) {
    nodes {
      id
      type
      subject
      contact { id name phone }
      lastMessageAt
      messages(last: 1) {
        nodes { direction status text sentAt }
      }
    }
  }
  eventCursor
}
`;

  const CONVERSATION = `# One chat with its latest messages. Copy an id from the inbox.
query Conversation($chatId: ID!) {
  chat(id: $chatId) {
    contact { name phone tags }
    activeSession { id status startedAt messageCount }
    messages(last: 20) {
      nodes {
        id
        direction
        status
        sentAt
        text
        author {
          __typename
          ... on Contact { name }
        }
      }
    }
  }
}
`;

  const SEND = `# Write to somebody. The answer comes at once; follow its way with the subscription.
mutation Send($input: MessageSendInput!) {
  messageSend(input: $input) {
    message { id status }
    userErrors { code message field }
  }
}
`;

  const LIVE = `# Live: each message that somebody writes, as it comes in.
subscription Live {
  messageReceived {
    cursor
    at
    message {
      sentAt
      text
      contact { name }
      chat { id subject }
    }
  }
}
`;

  const EVENTS = `# Everything that happens in the project. Give "after" a cursor to see what you missed.
subscription Everything {
  events {
    cursor
    type
    at
    aggregateId
    payload
  }
}
`;

  const TABS = [
    { query: INBOX },
    { query: CONVERSATION, variables: JSON.stringify({ chatId: "cht_…" }, null, 2) },
    {
      query: SEND,
      variables: JSON.stringify(
        { input: { chatId: "cht_…", content: { text: { text: "Hello!" } } } },
        null,
        2,
      ),
    },
    { query: LIVE },
    { query: EVENTS },
  ];

  const HEADERS = JSON.stringify({ Authorization: "Bearer vk_…" }, null, 2);

  const field = document.getElementById("key");
  const state = document.getElementById("key-state");
  const root = ReactDOM.createRoot(document.getElementById("graphiql"));

  function kept() {
    try {
      return localStorage.getItem(KEPT) || "";
    } catch {
      return "";
    }
  }

  function keep(key) {
    try {
      if (key) localStorage.setItem(KEPT, key);
      else localStorage.removeItem(KEPT);
    } catch {
      // A browser that keeps nothing still works until the page is left.
    }
  }

  // What the headers editor says wins; its placeholder says nothing.
  function credentials(given) {
    for (const [name, value] of Object.entries(given || {})) {
      if (name.toLowerCase() === "authorization" && !String(value).includes("…")) {
        return { Authorization: String(value) };
      }
    }
    const key = field.value.trim();
    return key ? { Authorization: "Bearer " + key } : {};
  }

  function fetcher(parameters, options) {
    const { headers: given, ...others } = options || {};
    const rest = Object.fromEntries(
      Object.entries(given || {}).filter(([name]) => name.toLowerCase() !== "authorization"),
    );
    const headers = { ...rest, ...credentials(given) };
    const address = new URL("/graphql", window.location.href);
    const socket = new URL(address);
    socket.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const send = GraphiQL.createFetcher({
      url: address.href,
      subscriptionUrl: socket.href,
      wsConnectionParams: headers,
    });
    return send(parameters, { ...others, headers });
  }

  function show() {
    const key = field.value.trim();
    state.textContent = key ? "remembered in this browser" : "";
    root.render(
      React.createElement(GraphiQL, {
        // A new key needs the schema again.
        key: key,
        fetcher: fetcher,
        defaultTabs: TABS,
        defaultHeaders: HEADERS,
        defaultEditorToolsVisibility: "variables",
        shouldPersistHeaders: false,
        isHeadersEditorEnabled: true,
      }),
    );
  }

  document.getElementById("key-bar").addEventListener("submit", (event) => {
    event.preventDefault();
    keep(field.value.trim());
    show();
  });

  field.value = kept();
  show();
})();

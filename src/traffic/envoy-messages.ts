import { address, header, message, metadataEntry, query, target, textEntry, type Visit, value } from "./visits.ts";

/** Where in Envoy's messages stands what can be masked, by upstream's field numbers. */

function authPeer(side: "source" | "destination"): Visit {
  return message({
    1: address(`${side}.address`),
    2: value(`${side}.service`),
    3: textEntry(`${side}.labels`),
    4: value(`${side}.principal`),
    5: value("connection.peer_certificate"),
  });
}

const AUTH_HTTP = message({
  3: header("request.headers"),
  4: target,
  5: value("request.host", "request.headers.host"),
  7: query,
  11: value("request.body", "request.raw_body"),
  12: value("request.body", "request.raw_body"),
  13: message({ 1: header("request.headers") }),
});

/** envoy.service.auth.v3.CheckRequest */
export const AUTH_CHECK_REQUEST = message({
  1: message({
    1: authPeer("source"),
    2: authPeer("destination"),
    4: message({ 2: AUTH_HTTP }),
    10: textEntry("context"),
    11: message({ 1: metadataEntry("metadata") }),
    12: message({ 1: value("connection.requested_server_name") }),
    13: message({ 1: metadataEntry("xds.route_metadata") }),
  }),
});

function certificate(side: "peer" | "local", principal: string): Visit {
  const names = message({
    1: value(principal, `connection.uri_san_${side}_certificate`),
    2: value(`connection.dns_san_${side}_certificate`),
  });
  return message({ 1: names, 2: value(`connection.subject_${side}_certificate`) });
}

const COMMON = message({
  2: address("source.remote_address"),
  3: address("destination.address"),
  4: message({
    3: value("connection.requested_server_name"),
    4: certificate("local", "destination.principal"),
    5: certificate("peer", "source.principal"),
  }),
  13: address("upstream.address"),
  14: address("upstream.local_address"),
  17: message({ 1: metadataEntry("metadata") }),
  20: address("source.address"),
  22: textEntry("log.tags"),
  26: value("request.id", "request.headers.x-request-id"),
});

const LOGGED_REQUEST = message({
  3: value("request.host", "request.headers.host"),
  5: target,
  6: value("request.useragent", "request.headers.user-agent"),
  7: (bytes, range, rules) => {
    value("request.referer", "request.headers.referer")(bytes, range, rules);
    target(bytes, range, rules);
  },
  8: value("request.headers.x-forwarded-for"),
  9: value("request.id", "request.headers.x-request-id"),
  10: target,
  13: header("request.headers"),
});

const LOGGED_RESPONSE = message({ 4: header("response.headers"), 5: header("response.trailers") });

/** envoy.service.accesslog.v3.StreamAccessLogsMessage */
export const ACCESS_LOGS_MESSAGE = message({
  2: message({ 1: message({ 1: COMMON, 3: LOGGED_REQUEST, 4: LOGGED_RESPONSE }) }),
  3: message({ 1: message({ 1: COMMON }) }),
});

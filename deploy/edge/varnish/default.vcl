vcl 4.1;
# A caching edge in front of fibonacci-api: Varnish 7. docs/edge.md says why each line is there.

import std;

backend default {
    .host = "127.0.0.1";
    .port = "8000";
    .connect_timeout = 2s;
    # As long as a computation may wait for its turn.
    .first_byte_timeout = 60s;
    .between_bytes_timeout = 30s;
    .max_connections = 1024;
    .probe = {
        .url = "/healthz";
        .interval = 2s;
        # A busy machine answers late. With two answers too late every miss is a 503.
        .timeout = 2s;
        .window = 3;
        .threshold = 2;
        .initial = 2;
    }
}

sub vcl_recv {
    # These are of this file, not of clients.
    unset req.http.Edge-Forward;
    unset req.http.Edge-Representation;
    # What it names would be dropped on the way to the service.
    unset req.http.Connection;

    # The caller's if it is sane, as the service has it, else a new one.
    if (req.http.X-Request-ID ~ "^[\x21-\x7e]{1,128}$") {
        # Anew, or Connection could have it dropped.
        set req.http.X-Request-ID = req.http.X-Request-ID;
    } else {
        set req.http.X-Request-ID = std.time2integer(now, 0) + "-" + req.xid + "-" +
            std.real2integer(std.random(0, 999999999), 0);
    }

    if (!req.http.Host && req.proto == "HTTP/1.1") {
        return (synth(400));
    }
    # No answer depends on these. The service reads none but Host, and that only to see that it is there.
    set req.http.Host = "fibonacci-api";
    unset req.http.Authorization;
    unset req.http.Cookie;

    set req.http.Edge-Forward = "bypass";
    if (req.method != "GET" && req.method != "HEAD") {
        set req.http.Edge-Forward = "method";
        return (pass);
    }
    # The service ignores these, and makes no partial answers.
    unset req.http.Range;
    unset req.http.If-Range;
    unset req.http.If-Modified-Since;
    unset req.http.If-Unmodified-Since;
    # Varnish does not judge the first; content of a GET has no meaning.
    if (req.http.If-Match || req.http.Content-Length || req.http.Transfer-Encoding) {
        return (pass);
    }
    # A list of entity tags is judged here: in a list that is none, a tag could be found that is not there.
    std.collect(req.http.If-None-Match, ", ");
    if (req.http.If-None-Match && req.http.If-None-Match !~ {"^[ \t]*(W/)?"[^"]*"([ \t]*,[ \t]*(W/)?"[^"]*")*[ \t]*$"}) {
        return (pass);
    }
    # What may be in the cache: one spelling of each address. Others are passed on, so they cost the cache nothing and cannot poison it.
    if (req.url ~ "^/(docs|openapi\.json)?$") {
        set req.http.Edge-Forward = "miss";
        return (hash);
    }
    if (req.url !~ "^/v1/fib\?n=(0|[1-9][0-9]{0,9})$") {
        return (pass);
    }
    std.collect(req.http.Accept, ", ");
    call negotiate;
    if (!req.http.Edge-Representation) {
        return (pass);
    }
    # Vary then has two values to vary by.
    if (req.http.Edge-Representation == "json") {
        set req.http.Accept = "application/json";
    } else {
        set req.http.Accept = "text/plain";
    }
    set req.http.Edge-Forward = "miss";
    return (hash);
}

# Which representation Accept selects, where one rule is enough to be sure. Else the service decides. The rules are those of
# docs/edge.md, and the same in every recipe.
sub negotiate {
    if (!req.http.Accept || req.http.Accept == "") {
        set req.http.Edge-Representation = "json";
        return;
    }
    if (req.http.Accept ~ {"["\x5c]|^.{1024}"}) {
        return;
    }
    if (req.http.Accept ~ "(?i)(^|,)[ \t]*application/json[ \t]*(,|$)" ||
        req.http.Accept ~ "(?i)^(?!.*application/(json|\*))(.*,)?[ \t]*\*/\*[ \t]*(,|$)" ||
        req.http.Accept ~ "(?i)^(?!.*(application/(json|\*)|text/(plain|\*)))(.*,)?[ \t]*\*/\*[ \t]*;[ \t]*q=(1(\.0{0,3})?|0\.(?=[0-9]*[1-9])[0-9]{1,3})[ \t]*(,|$)") {
        set req.http.Edge-Representation = "json";
        return;
    }
    if (req.http.Accept ~ "(?i)^(?!.*(application/(json|\*)|\*/\*)(?![ \t]*;[ \t]*q=0(\.[0-9]{0,3})?[ \t]*(,|$)))(?!.*(text/\*(?![ \t]*(,|$))|text/plain(?!([ \t]*;[ \t]*charset=utf-8)?[ \t]*(,|$))))(.*,)?[ \t]*text/(\*|plain([ \t]*;[ \t]*charset=utf-8)?)[ \t]*(,|$)") {
        set req.http.Edge-Representation = "text";
    }
}

sub vcl_hash {
    # Not by Host: no answer depends on it.
    hash_data(req.url);
    return (lookup);
}

sub vcl_miss {
    # Varnish would fetch the content: for a HEAD, or for a 304, that would cost the client a computation.
    if (req.method == "HEAD" || req.http.If-None-Match) {
        return (pass);
    }
    return (fetch);
}

sub vcl_backend_fetch {
    unset bereq.http.Edge-Forward;
    unset bereq.http.Edge-Representation;
    # What came with the request, and has no meaning for the service.
    unset bereq.http.TE;
    return (fetch);
}

sub vcl_backend_response {
    if (bereq.uncacheable) {
        return (deliver);
    }
    if (bereq.is_bgfetch && beresp.status != 200) {
        # The stored answer is still right. Whom a refusal is about sent the request, with fields of its own choice.
        return (abandon);
    }
    if (beresp.status == 200 && beresp.ttl > 0s && beresp.http.Cache-Control ~ "(?i)public" && !beresp.http.Set-Cookie) {
        # Values never change: stale ones are right, and served while the service is asked or away.
        set beresp.grace = 7d;
        set beresp.keep = 30d;
        return (deliver);
    }
    # Not kept. For a second nobody waits for somebody else's refusal.
    set beresp.uncacheable = true;
    set beresp.ttl = 1s;
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.is_bgfetch) {
        return (abandon);
    }
    set beresp.status = 503;
    set beresp.reason = "Service Unavailable";
    set beresp.ttl = 0s;
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    set beresp.uncacheable = true;
    set beresp.http.Content-Type = "application/problem+json";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Access-Control-Allow-Origin = "*";
    set beresp.http.X-Content-Type-Options = "nosniff";
    set beresp.body = """{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The service cannot be reached, and the answer is not in the cache."}""";
    return (deliver);
}

sub vcl_synth {
    set resp.http.Content-Type = "application/problem+json";
    set resp.http.Cache-Control = "no-store";
    set resp.http.X-Request-ID = req.http.X-Request-ID;
    set resp.http.Access-Control-Allow-Origin = "*";
    set resp.http.X-Content-Type-Options = "nosniff";
    unset resp.http.Server;
    unset resp.http.X-Varnish;
    set resp.body = {"{"type":"about:blank","title":""} + resp.reason + {"","status":"} + resp.status +
        {","detail":"The edge cannot process the request."} + """"}""";
    return (deliver);
}

sub vcl_deliver {
    # RFC 9211: this cache's member comes after the service's.
    set resp.http.Edge-Status = "edge-varnish;";
    if (obj.hits > 0) {
        # Varnish compares with one tag; a list may hold it, too. That it is a list was seen to; the quotes are part of the tag.
        if (resp.status == 200 && resp.http.ETag && std.strstr(req.http.If-None-Match, resp.http.ETag)) {
            set req.http.If-None-Match = resp.http.ETag;
        }
        set resp.http.Edge-Status = resp.http.Edge-Status + "hit;ttl=" + std.real2integer(std.real(duration=obj.ttl), 0);
        # These were of the client that the stored answer was made for.
        unset resp.http.X-RateLimit-Cost;
        unset resp.http.X-RateLimit-Remaining;
        unset resp.http.X-RateLimit-Mode;
        unset resp.http.RateLimit-Policy;
        unset resp.http.RateLimit;
    } else {
        set resp.http.Edge-Status = resp.http.Edge-Status + "fwd=" + req.http.Edge-Forward + ";fwd-status=" + resp.status;
        if (!obj.uncacheable) {
            set resp.http.Edge-Status = resp.http.Edge-Status + ";stored;ttl=" +
                std.real2integer(std.real(duration=obj.ttl), 0);
        }
        # Fresh from the service.
        unset resp.http.Age;
    }
    if (resp.http.Cache-Status) {
        set resp.http.Cache-Status = resp.http.Cache-Status + ", " + resp.http.Edge-Status;
    } else {
        set resp.http.Cache-Status = resp.http.Edge-Status;
    }
    unset resp.http.Edge-Status;
    set resp.http.X-Request-ID = req.http.X-Request-ID;
    unset resp.http.X-Varnish;
    unset resp.http.Via;
    unset resp.http.Server;
    unset resp.http.Accept-Ranges;
    return (deliver);
}

# vcl_recv. docs/edge.md says why each line is there. Fastly's VCL cannot be run elsewhere: its rules about Accept are tested, the rest is not.

if (fastly.ff.visits_this_service == 0 && req.restarts == 0) {
  # Fastly keeps what a client has sent, and appends to X-Forwarded-For only on TLS.
  set req.http.Fastly-Client-IP = client.ip;
  unset req.http.Edge-Representation;
}

# Fastly lets everybody purge an address unless it is told otherwise.
if (req.method == "FASTLYPURGE") {
  set req.http.Fastly-Purge-Requires-Auth = "1";
}

# The caller's if it is sane, as the service has it, else a new one.
if (req.http.X-Request-ID !~ "^[\x21-\x7e]{1,128}$") {
  set req.http.X-Request-ID = regsuball(uuid.version4(), "-", "");
}

# The service reads neither, and neither changes an answer.
unset req.http.Authorization;
unset req.http.Cookie;

if (req.method != "GET" && req.method != "HEAD" && req.method != "FASTLYPURGE") {
  return(pass);
}

# The service ignores these, and makes no partial answers.
unset req.http.Range;
unset req.http.If-Range;
unset req.http.If-Modified-Since;
unset req.http.If-Unmodified-Since;
# Not judged here; content of a GET has no meaning.
if (req.http.If-Match || req.http.Content-Length || req.http.Transfer-Encoding) {
  return(pass);
}
# What is no list of entity tags is not judged here.
if (req.http.If-None-Match && req.http.If-None-Match !~ {"^[ \t]*(W/)?"[^"]*"([ \t]*,[ \t]*(W/)?"[^"]*")*[ \t]*$"}) {
  return(pass);
}

# What may be in the cache: one spelling of each address.
if (req.url !~ "^/(docs|openapi\.json)?$") {
  if (req.url !~ "^/v1/fib\?n=(0|[1-9][0-9]{0,9})$") {
    return(pass);
  }
  std.collect(req.http.Accept, ", ");
  unset req.http.Edge-Representation;
  if (!req.http.Accept || req.http.Accept == "") {
    set req.http.Edge-Representation = "json";
  } else if (req.http.Accept ~ {"["\x5c]|^.{1024}"}) {
    return(pass);
  } else if (req.http.Accept ~ "(?i)(^|,)[ \t]*application/json[ \t]*(,|$)" ||
    req.http.Accept ~ "(?i)^(?!.*application/(json|\*))(.*,)?[ \t]*\*/\*[ \t]*(,|$)" ||
    req.http.Accept ~ "(?i)^(?!.*(application/(json|\*)|text/(plain|\*)))(.*,)?[ \t]*\*/\*[ \t]*;[ \t]*q=(1(\.0{0,3})?|0\.(?=[0-9]*[1-9])[0-9]{1,3})[ \t]*(,|$)") {
    set req.http.Edge-Representation = "json";
  } else if (req.http.Accept ~ "(?i)^(?!.*(application/(json|\*)|\*/\*)(?![ \t]*;[ \t]*q=0(\.[0-9]{0,3})?[ \t]*(,|$)))(?!.*(text/\*(?![ \t]*(,|$))|text/plain(?!([ \t]*;[ \t]*charset=utf-8)?[ \t]*(,|$))))(.*,)?[ \t]*text/(\*|plain([ \t]*;[ \t]*charset=utf-8)?)[ \t]*(,|$)") {
    set req.http.Edge-Representation = "text";
  } else {
    return(pass);
  }
  # Vary then has two values to vary by.
  set req.http.Accept = if(req.http.Edge-Representation == "json", "application/json", "text/plain");
}

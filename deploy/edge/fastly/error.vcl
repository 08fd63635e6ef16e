# vcl_error.
if (obj.status >= 500 && obj.status < 600) {
  if (stale.exists) {
    return(deliver_stale);
  }
  set obj.http.Content-Type = "application/problem+json";
  set obj.http.Cache-Control = "no-store";
  set obj.http.Access-Control-Allow-Origin = "*";
  set obj.http.X-Content-Type-Options = "nosniff";
  set obj.status = 503;
  synthetic {json"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The service cannot be reached, and the answer is not in the cache."}"json};
  return(deliver);
}

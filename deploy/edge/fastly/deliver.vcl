# vcl_deliver. With shielding it runs in both places, and each adds its own member to Cache-Status (RFC 9211).
declare local var.member STRING;
if (fastly_info.state ~ "^HIT") {
  set var.member = "edge-fastly;hit" if(fastly_info.state ~ "STALE", ";detail=stale", "");
  # These were of the client that the stored answer was made for.
  unset resp.http.X-RateLimit-Cost;
  unset resp.http.X-RateLimit-Remaining;
  unset resp.http.X-RateLimit-Mode;
  unset resp.http.RateLimit-Policy;
  unset resp.http.RateLimit;
} else {
  set var.member = "edge-fastly;fwd=" if(fastly_info.state ~ "^PASS", "bypass", "miss") ";fwd-status=" resp.status;
}
set resp.http.Cache-Status = if(resp.http.Cache-Status, resp.http.Cache-Status ", ", "") var.member;
set resp.http.X-Request-ID = req.http.X-Request-ID;
unset resp.http.X-Served-By;
unset resp.http.X-Timer;
unset resp.http.Accept-Ranges;

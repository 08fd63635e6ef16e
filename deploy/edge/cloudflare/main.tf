# Cache rules for fibonacci-api on Cloudflare. docs/edge.md says why each line is there. `vary` needs version 5.21.1 of the provider.

terraform {
  required_version = ">= 1.5"
  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = ">= 5.21.1"
    }
  }
}

variable "zone_id" {
  description = "The zone of the domain."
  type        = string
}

variable "host" {
  description = "The name that clients use, without quotes in it."
  type        = string
}

locals {
  value    = "http.host eq \"${var.host}\" and http.request.uri.path eq \"/v1/fib\""
  document = "http.host eq \"${var.host}\" and http.request.uri.path in {\"/\" \"/docs\" \"/openapi.json\"}"

  # Each is a variant of its own, sent on as it is: no normalization, which would lose weights and so change what is selected.
  accepted = [
    "*/*",
    "application/json",
    "application/json, text/plain, */*",
    "application/json, */*",
    "text/plain",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  ]
  accept = join(" ", [for text in local.accepted : "\"${text}\""])

  # Cloudflare makes a GET of a HEAD, partial answers from whole ones, and judges If-Match otherwise.
  named     = ["range", "if-range", "if-match", "if-modified-since", "if-unmodified-since"]
  unlike    = join(" or ", [for name in local.named : "any(http.request.headers.names[*] eq \"${name}\")"])
  unlisted  = "any(http.request.headers.names[*] eq \"accept\") and not all(http.request.headers[\"accept\"][*] in {${local.accept}})"
  passed_on = "http.request.method ne \"GET\" or ${local.unlike} or (${local.unlisted})"
}

resource "cloudflare_ruleset" "cache" {
  zone_id = var.zone_id
  name    = "fibonacci-api: cache"
  kind    = "zone"
  phase   = "http_request_cache_settings"

  # The last rule that matches decides.
  rules = [
    {
      ref         = "fibonacci_api_values"
      description = "Values, for as long as the service says; refusals are no-store"
      expression  = "(${local.value}) or (${local.document})"
      action      = "set_cache_settings"
      action_parameters = {
        cache                      = true
        edge_ttl                   = { mode = "bypass_by_default" }
        browser_ttl                = { mode = "respect_origin" }
        respect_strong_etags       = true
        origin_error_page_passthru = true
        serve_stale                = { disable_stale_while_updating = false }
        vary = {
          default = { action = "bypass" }
          headers = { accept = { action = "passthrough" } }
        }
      }
    },
    {
      ref               = "fibonacci_api_passed_on"
      description       = "What Cloudflare would answer otherwise than the service"
      expression        = "((${local.value}) or (${local.document})) and (${local.passed_on})"
      action            = "set_cache_settings"
      action_parameters = { cache = false }
    },
  ]
}

# A stored answer holds the budget of the client that it was made for. Rules do not know whether an answer is stored, so these fields go from
# all that may be; /v1/cost tells a client what it has left.
resource "cloudflare_ruleset" "client_fields" {
  zone_id = var.zone_id
  name    = "fibonacci-api: fields of one client"
  kind    = "zone"
  phase   = "http_response_headers_transform"

  rules = [
    {
      ref         = "fibonacci_api_client_fields"
      description = "Fields of one client, off what may be stored"
      expression  = "((${local.value}) or (${local.document})) and http.response.code in {200 304}"
      action      = "rewrite"
      action_parameters = {
        headers = {
          "X-RateLimit-Cost"      = { operation = "remove" }
          "X-RateLimit-Remaining" = { operation = "remove" }
          "X-RateLimit-Mode"      = { operation = "remove" }
          "RateLimit-Policy"      = { operation = "remove" }
          "RateLimit"             = { operation = "remove" }
          "X-Request-ID"          = { operation = "remove" }
        }
      }
    },
  ]
}

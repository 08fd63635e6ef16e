# A Fastly service in front of fibonacci-api. docs/edge.md says why each line is there.

terraform {
  required_version = ">= 1.5"
  required_providers {
    fastly = {
      source  = "fastly/fastly"
      version = ">= 5.0"
    }
  }
}

variable "domain" {
  description = "The name that clients use."
  type        = string
}

variable "origin" {
  description = "The name of the TLS endpoint in front of the service, which lets nobody but Fastly in."
  type        = string
}

variable "shield" {
  description = "The data centre that asks the service for all others; empty: each asks for itself."
  type        = string
  default     = ""
}

variable "client_certificate" {
  description = "The certificate that the endpoint knows Fastly by, as PEM."
  type        = string
}

variable "client_key" {
  description = "Its key, as PEM."
  type        = string
  sensitive   = true
}

locals {
  # In the order of vcl_*; each is inserted into Fastly's own subroutine.
  snippets = toset(["recv", "miss", "pass", "fetch", "error", "deliver"])
}

resource "fastly_service_vcl" "fibonacci_api" {
  name  = "fibonacci-api"
  http3 = true

  domain {
    name = var.domain
  }

  backend {
    name              = "service"
    address           = var.origin
    port              = 443
    use_ssl           = true
    ssl_check_cert    = true
    ssl_cert_hostname = var.origin
    ssl_sni_hostname  = var.origin
    override_host     = var.origin
    ssl_client_cert   = var.client_certificate
    ssl_client_key    = var.client_key
    shield            = var.shield
    healthcheck       = "healthz"
    connect_timeout   = 2000
    # As long as a computation may wait for its turn.
    first_byte_timeout    = 60000
    between_bytes_timeout = 30000
    max_conn              = 200
  }

  healthcheck {
    name              = "healthz"
    host              = var.origin
    path              = "/healthz"
    method            = "GET"
    expected_response = 200
    check_interval    = 5000
    timeout           = 1000
    window            = 3
    threshold         = 2
    initial           = 2
  }

  # Plain HTTP would have no X-Forwarded-For, and is not for an API.
  request_setting {
    name      = "tls"
    force_ssl = true
  }

  dynamic "snippet" {
    for_each = local.snippets
    content {
      name    = "fibonacci-api ${snippet.value}"
      type    = snippet.value
      content = file("${path.module}/${snippet.value}.vcl")
    }
  }
}

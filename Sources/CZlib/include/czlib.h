#ifndef CZLIB_H
#define CZLIB_H

#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <zlib.h>

/// The most bytes that `czlib_gzip` makes of `count` bytes.
static inline size_t czlib_gzip_bound(size_t count) {
    // `compressBound` is for zlib's own frame; gzip's is twelve bytes longer.
    return compressBound(count) + 32;
}

/// Writes `count` bytes as one gzip member (RFC 1952) and gives its length; 0 when zlib has no memory or `capacity` is too small.
static inline size_t czlib_gzip(const unsigned char *bytes, size_t count, unsigned char *out, size_t capacity) {
    z_stream stream;
    if (count > UINT_MAX || capacity > UINT_MAX) return 0;
    memset(&stream, 0, sizeof stream);
    // 16 more window bits ask for gzip's frame.
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    stream.next_in = (unsigned char *)bytes;
    stream.avail_in = (unsigned int)count;
    stream.next_out = out;
    stream.avail_out = (unsigned int)capacity;
    int state = deflate(&stream, Z_FINISH);
    size_t length = capacity - stream.avail_out;
    deflateEnd(&stream);
    return state == Z_STREAM_END ? length : 0;
}

#endif

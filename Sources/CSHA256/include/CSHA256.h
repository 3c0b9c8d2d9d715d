#pragma once

#include <stddef.h>
#include <stdint.h>

/// Whether this processor has what `larder_sha256_four` needs.
int larder_sha256_four_works(void);

/// SHA-256 (FIPS 180-4) of four messages of the same length, each of `blocks` times 64 bytes.
///
/// One message keeps the SHA extensions of x86 waiting: each of their instructions needs the result of the
/// one before. Four that take turns come to more than twice the bytes a second.
void larder_sha256_four(
    const uint8_t *_Nonnull const messages[_Nonnull 4], size_t blocks,
    uint8_t digests[_Nonnull 128]);

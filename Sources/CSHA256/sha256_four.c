#include "CSHA256.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#define LANES 4
#define EACH(lane) _Pragma("clang loop unroll(full)") for (int lane = 0; lane < LANES; lane++)

/// FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

int larder_sha256_four_works(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
}

/// The state as the SHA extensions want it: the words A, B, E, F and C, D, G, H, from the highest down.
typedef struct {
  __m128i abef[LANES], cdgh[LANES];
} State;

__attribute__((target("sha,sse4.1,ssse3"))) static void
compress(State *state, const uint8_t *const data[LANES], size_t blocks) {
  const __m128i bigEndian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i s[LANES], t[LANES];
  EACH(l) {
    s[l] = state->abef[l];
    t[l] = state->cdgh[l];
  }
  for (size_t block = 0; block < blocks; block++) {
    __m128i words[LANES][4], abef[LANES], cdgh[LANES];
    EACH(l) {
      abef[l] = s[l];
      cdgh[l] = t[l];
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i++) {
      const __m128i k = _mm_load_si128((const __m128i *)(constants + 4 * i));
      EACH(l) {
        __m128i *w = words[l];
        if (i < 4) {
          const uint8_t *four = data[l] + 64 * block + 16 * (size_t)i;
          w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)four), bigEndian);
        } else {
          __m128i next = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
          next = _mm_add_epi32(next, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
          w[i & 3] = _mm_sha256msg2_epu32(next, w[(i + 3) & 3]);
        }
        const __m128i sum = _mm_add_epi32(w[i & 3], k);
        t[l] = _mm_sha256rnds2_epu32(t[l], s[l], sum);
        s[l] = _mm_sha256rnds2_epu32(s[l], t[l], _mm_shuffle_epi32(sum, 0x0e));
      }
    }
    EACH(l) {
      s[l] = _mm_add_epi32(s[l], abef[l]);
      t[l] = _mm_add_epi32(t[l], cdgh[l]);
    }
  }
  EACH(l) {
    state->abef[l] = s[l];
    state->cdgh[l] = t[l];
  }
}

__attribute__((target("sha,sse4.1,ssse3"))) void larder_sha256_four(
    const uint8_t *const messages[4], size_t blocks, uint8_t digests[128]) {
  State state;
  EACH(l) {
    // FIPS 180-4, 5.3.3.
    state.abef[l] = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    state.cdgh[l] = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
  }
  compress(&state, messages, blocks);
  // FIPS 180-4, 5.1.1: a bit, zeros, and the length in bits.
  uint8_t padding[64] = {0x80};
  const uint64_t bits = (uint64_t)blocks * 512;
  for (int i = 0; i < 8; i++) padding[56 + i] = (uint8_t)(bits >> (56 - 8 * i));
  const uint8_t *const ends[LANES] = {padding, padding, padding, padding};
  compress(&state, ends, 1);
  EACH(l) {
    uint32_t abef[4], cdgh[4];
    memcpy(abef, &state.abef[l], 16);
    memcpy(cdgh, &state.cdgh[l], 16);
    const uint32_t words[8] = {abef[3], abef[2], cdgh[3], cdgh[2],
                               abef[1], abef[0], cdgh[1], cdgh[0]};
    for (int i = 0; i < 32; i++) {
      digests[32 * l + i] = (uint8_t)(words[i / 4] >> (24 - 8 * (i % 4)));
    }
  }
}

#else

int larder_sha256_four_works(void) { return 0; }

void larder_sha256_four(const uint8_t *const messages[4], size_t blocks, uint8_t digests[128]) {
  (void)messages;
  (void)blocks;
  (void)digests;
  __builtin_trap();
}

#endif

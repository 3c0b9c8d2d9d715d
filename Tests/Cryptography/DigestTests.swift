import Cryptography
import Testing
import Wire

@Suite struct DigestTests {
  @Test(arguments: [
    // RFC 7693, appendix A.
    (
      "abc", [UInt8](), 64,
      """
      ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533\
      cc9518d38aa8dbf1925ab92386edd4009923
      """
    ),
    ("abc", [], 32, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
    // The reference's test vectors for keyed BLAKE2b: key 00 … 3f, no input.
    (
      "", [UInt8](0..<64), 64,
      """
      10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786b5e996e8f0f4eb981fc214b005f4\
      2d2ff4233499391653df7aefcbc13fc51568
      """
    ),
  ])
  func hashesAsRFC7693(text: String, key: [UInt8], length: Int, digest: String) {
    #expect(BLAKE2b.hash(Array(text.utf8), length: length, key: key).hex == digest)
  }

  @Test func keyedHashOfManyBytesIsTheReferences() {
    let digest = """
      142709d62e28fcccd0af97fad0f8465b971e82201dc51070faa0372aa43e92484be1c1e73ba10906d5d1853db6a4\
      106e0a7bf9800d373d6dee2d46d62ef2a461
      """
    #expect(BLAKE2b.hash([UInt8](0..<255), length: 64, key: [UInt8](0..<64)).hex == digest)
  }

  @Test(arguments: [16, 20, 32, 63, 64])
  func digestsHaveTheLengthAskedFor(length: Int) {
    #expect(BLAKE2b.hash([1, 2, 3], length: length).count == length)
  }

  @Test func lengthAndKeyChangeTheWholeDigest() {
    let long = BLAKE2b.hash([1], length: 64)
    #expect(BLAKE2b.hash([1], length: 32) != Array(long.prefix(32)))
    #expect(BLAKE2b.hash([1], key: [1]) != BLAKE2b.hash([1]))
    #expect(BLAKE2b.hash([1], key: [1]) != BLAKE2b.hash([1], key: [1, 0]))
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func piecesHashLikeTheWhole(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let whole = (0..<Int.random(in: 0...2_000, using: &random)).map { _ in
      UInt8.random(in: 0...255, using: &random)
    }
    var blake = BLAKE2b()
    var sha = SHA512Hasher()
    var digests = FileDigests()
    var rest = whole[...]
    while !rest.isEmpty {
      let piece = rest.prefix(Int.random(in: 0...300, using: &random))
      blake.update(piece)
      piece.withUnsafeBytes { sha.update(buffer: $0) }
      digests.update(Array(piece))
      rest = rest.dropFirst(piece.count)
      _ = blake.finalize()  // asking in between changes nothing
    }
    #expect(blake.finalize() == BLAKE2b.hash(whole))
    #expect(BLAKE2b.hash256(whole).bytes == BLAKE2b.hash(AnySequence(whole)))
    var once = SHA512Hasher()
    whole.withUnsafeBytes { once.update(buffer: $0) }
    #expect(sha.finalize() == once.finalize())
    var onceMore = FileDigests()
    onceMore.update(whole)
    #expect(digests.finalize() == onceMore.finalize())
    #expect(digests.size == UInt64(whole.count))
  }

  @Test func copiesOfAHashGoTheirOwnWays() {
    var first = BLAKE2b()
    first.update([1])
    var second = first
    second.update([2])
    #expect(first.finalize() == BLAKE2b.hash([1]))
    #expect(second.finalize() == BLAKE2b.hash([1, 2]))
  }

  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      String(repeating: "a", count: 1_000_000),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    ),
  ])
  func sha256IsFIPS180(text: String, digest: String) {
    #expect(SHA2.sha256(Array(text.utf8)).hex == digest)
  }

  @Test(arguments: [
    (
      "",
      """
      cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877e\
      ec2f63b931bd47417a81a538327af927da3e
      """
    ),
    (
      "abc",
      """
      ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fe\
      ebbd454d4423643ce80e2a9ac94fa54ca49f
      """
    ),
    (
      String(repeating: "a", count: 1_000_000),
      """
      e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577\
      c31beb009c5c2c49aa2e4eadb217ad8cc09b
      """
    ),
  ])
  func sha512IsFIPS180(text: String, digest: String) {
    var hash = SHA512Hasher()
    Array(text.utf8).withUnsafeBytes { hash.update(buffer: $0) }
    #expect(hash.finalize().hex == digest)
  }

  @Test func fileDigestsAreMD5AndSHA1() {
    var digests = FileDigests()
    digests.update(Array("abc".utf8))
    #expect(digests.finalize().md5.hex == "900150983cd24fb0d6963f7d28e17f72")
    #expect(digests.finalize().sha1.hex == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(digests.size == 3)
  }
}

import Cryptography
import Foundation
import Testing
import Wire

/// One test vector of RFC 8032 §7.1.
struct SignatureVector: Sendable {
  let name: String
  let seed: String
  let key: String
  let message: String
  let signature: String

  static let all = [
    SignatureVector(
      name: "test 1",
      seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      message: "",
      signature: """
        e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c\
        f9b46bd25bf5f0595bbe24655141438e7a100b
        """),
    SignatureVector(
      name: "test 2",
      seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      message: "72",
      signature: """
        92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0\
        f11d8c387b2eaeb4302aeeb00d291612bb0c00
        """),
    SignatureVector(
      name: "test 3",
      seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      message: "af82",
      signature: """
        6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098\
        4dc6594a7c15e9716ed28dc027beceea1ec40a
        """),
    SignatureVector(
      name: "test SHA(abc)",
      seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
      key: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
      message: """
        ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3\
        feebbd454d4423643ce80e2a9ac94fa54ca49f
        """,
      signature: """
        dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c664\
        31e0303dca179c138ac17ad9bef1177331a704
        """),
  ]
}

@Suite struct SignatureTests {
  @Test(arguments: SignatureVector.all)
  func signsAndVerifiesAsRFC8032(vector: SignatureVector) throws {
    let seed = try #require([UInt8](hex: vector.seed))
    let message = try #require([UInt8](hex: vector.message))
    let key = try #require(SigningKey(seed: seed))
    #expect(key.seed == seed)
    #expect(key.publicKey.description == vector.key, "\(vector.name)")
    #expect(key.sign(raw: message).hex == vector.signature, "\(vector.name)")
    let signature = try #require([UInt8](hex: vector.signature))
    #expect(key.publicKey.verify(raw: signature, of: message))
    #expect(!key.publicKey.verify(raw: signature, of: message + [0]))
  }

  @Test func everyFlippedBitOfASignatureIsNoticed() throws {
    let key = SigningKey.generate()
    let signature = key.sign(raw: [1, 2, 3])
    for bit in 0..<512 {
      var altered = signature
      altered[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!key.publicKey.verify(raw: altered, of: [1, 2, 3]), "bit \(bit)")
    }
    for count in [0, 63, 65, 128] {
      #expect(!key.publicKey.verify(raw: [UInt8](repeating: 1, count: count), of: [1, 2, 3]))
    }
  }

  /// S and S + L verify alike unless S is checked against the group's order (RFC 8032 §8.4).
  @Test func aSignatureHasOneForm() {
    let key = SigningKey.generate()
    var signature = key.sign(raw: [1])
    let order = [UInt8](
      hex: "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
    var carry = 0
    for (index, byte) in (order ?? []).enumerated() {
      let sum = Int(signature[32 + index]) + Int(byte) + carry
      signature[32 + index] = UInt8(sum & 255)
      carry = sum >> 8
    }
    #expect(!key.publicKey.verify(raw: signature, of: [1]))
  }

  @Test(arguments: [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  ])
  func pointsThatSignEverythingSignNothing(hex: String) throws {
    let key = PublicKey(try #require(Bytes32(hex: hex)))
    var signature = [UInt8](repeating: 0, count: 64)
    signature[0] = 1
    #expect(!key.verify(raw: signature, of: []))
    #expect(!key.verify(raw: [UInt8](repeating: 0, count: 64), of: [1]))
  }

  @Test func contextsKeepSignaturesApart() {
    let key = SigningKey.generate()
    let signature = key.sign([1, 2], context: "one")
    #expect(key.publicKey.verify(signature, of: [1, 2], context: "one"))
    #expect(!key.publicKey.verify(signature, of: [1, 2], context: "two"))
    #expect(!key.publicKey.verify(signature, of: [1, 2], context: ""))
    #expect(!key.publicKey.verify(raw: signature, of: [1, 2]))
    // The zero byte ends the context: its last letter can't become the message's first.
    let longer = key.sign(Array("e rest".utf8), context: "on")
    #expect(!key.publicKey.verify(longer, of: Array(" rest".utf8), context: "one"))
  }

  @Test(arguments: [0, 31, 33, 64])
  func seedsAndKeysHaveThirtyTwoBytes(count: Int) {
    let bytes = [UInt8](repeating: 1, count: count)
    #expect(SigningKey(seed: bytes) == nil)
    #expect(PublicKey(bytes) == nil)
  }

  @Test func printedValuesCarryNoSecret() {
    let key = SigningKey.generate()
    let box = DatagramBox(key: key, network: "test")
    let cookie = AddressCookie(secret: key.seed)
    var dumped = ""
    dump(key, to: &dumped)
    dump(box, to: &dumped)
    dump(cookie, to: &dumped)
    let printed = "\(key) \(String(reflecting: key)) \(box) \(cookie) \(dumped)"
    for part in [
      key.seed.description, key.seed.hex,
      key.seed.prefix(4).map(String.init).joined(separator: ", "),
    ] {
      #expect(!printed.contains(part.trimmingCharacters(in: ["[", "]"])))
    }
  }

  @Test func nodeIDIsTheDigestOfTheKey() {
    let key = SigningKey.generate().publicKey
    #expect(NodeID(of: key).bytes.bytes == BLAKE2b.hash(key.bytes.bytes, length: 32))
  }
}

import Foundation
import Testing
import Wire

@testable import Trust

/// Numbers that Tests/Fixtures/Trust/make-vectors.py computed without any of this code.
@Suite("Known answers") struct VectorTests {
  struct Vectors: Decodable {
    struct Named: Decodable {
      let name: String
      let facts: PackageFacts
      let fields: [String]
      let fingerprint: Fingerprint
    }
    struct Features: Decodable {
      let names: [String]
      let bits: String
    }
    let fingerprints: [Named]
    let flags: String
    let recipe: String
    let features: Features
    let agreement: String
  }

  let vectors: Vectors

  init() throws {
    let data = try Data(contentsOf: BuiltPackage.fixture("vectors.json"))
    vectors = try JSONDecoder().decode(Vectors.self, from: data)
  }

  @Test func fingerprintsAreTheKnownOnes() throws {
    #expect(vectors.fingerprints.count == 3)
    for vector in vectors.fingerprints {
      let fields = try Fingerprint.fields(of: vector.facts)
      #expect(fields.all.map(\.text) == vector.fields, "\(vector.name)")
      #expect(try Fingerprint(of: vector.facts) == vector.fingerprint, "\(vector.name)")
    }
  }

  @Test func digestsOfFlagsAndRecipesAreTheKnownOnes() throws {
    let facts = try #require(vectors.fingerprints.first).facts
    let judged = JudgedFacts(of: facts)
    #expect(judged.flags.hex == vectors.flags)
    #expect(judged.recipe.exact.hex == vectors.recipe)
    #expect(CPUFeatures(vectors.features.names).bitSet.hex == vectors.features.bits)
  }

  @Test func theAgreementDigestOfARealBuildIsTheKnownOne() throws {
    let path = BuiltPackage.fixture("caskcat-alpha.gpkg.tar").path
    #expect(try GpkgInspector.inspect(path: path).agreement.hex == vectors.agreement)
  }
}

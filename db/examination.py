"""What examination a report is of, from the words of its order.

Standard library only. A report of another examination may stand under the accession number of a chest radiograph,
and its findings are not to be seen there, so the order of the questions is the rule: what names another technique
is OTHER whatever else it names; then what names the chest as radiographs are named is a CHEST_RADIOGRAPH, of more
than the chest too (ribs with chest, the acute abdomen); then what names another part of the body is OTHER. A chest
without a sign of its technique, and words that say neither, are UNKNOWN.
"""

import re
import unicodedata

from db.vocabulary import Examination


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CHEST = _words("CHEST CHST CXR LUNG LUNGS THORAX TORAX TORACE TORACICA THORACIQUE")

RADIOGRAPH = _words(
    "XR CXR XRAY XRAYS CR DX DR RX RADIOGRAPH RADIOGRAPHS RADIOGRAPHY RADIOGRAPHIE RADIOGRAFIA ROENTGEN RONTGEN "
    "FILM FILMS PLAIN PORT PORTABLE MOBILE BEDSIDE VIEW VIEWS VW VWS V PROJECTION PROJECTIONS FRONTAL PA AP "
    "LAT LATERAL LATERALS OBLIQUE OBLIQUES UPRIGHT SUPINE ERECT DECUBITUS DECUB LORDOTIC APICAL "
    "EXPIRATION EXPIRATORY INSPIRATION INSPIRATORY"
)
"""Words of projection radiography: its names, how it is made, the ways the patient stands and lies."""

OTHER_TECHNIQUE = _words(
    "CT CTA CTPA CAT CBCT HRCT LDCT PETCT TC TAC TDM MR MRI MRA MRV MRCP MRT NMR IRM RMN PTMR US USG ULTRASOUND "
    "ULTRASONOGRAPHY SONO SONOGRAM SONOGRAPHY SONOGRAPHIE ECHO ECHOCARDIOGRAM ECHOCARDIOGRAPHY DOPPLER DUPLEX "
    "NM PET SPECT SCINTIGRAPHY SCAN SCANS PERFUSION VENTILATION VQ MPI NUCLEAR TOMOGRAPHY TOMOSYNTHESIS "
    "CONTRAST GADOLINIUM WWO MAMMO MAMM MAMMOGRAM MAMMOGRAPHY FLUORO FLUOROSCOPY FLUOROSCOPIC CINE ESOPHAGRAM "
    "BARIUM SWALLOW ENEMA IR ANGIO ANGIOGRAM ANGIOGRAPHY ARTERIOGRAM VENOGRAM MYELOGRAM ARTHROGRAM "
    "BRONCHOGRAM CATHETERIZATION GUIDANCE GUIDED DXA DEXA DENSITOMETRY ECG EKG"
)

PROCEDURES = _words(
    "BIOPSY ASPIRATION DRAINAGE THORACENTESIS PARACENTESIS INSERTION INSERT PLACEMENT REMOVAL ABLATION EMBOLIZATION "
    "INJECTION STENT PICC THERAPY PHYSIOTHERAPY"
)
"""What is done to a patient: OTHER, unless a radiograph is named that shows it afterwards."""

ELSEWHERE = _words(
    "ABDOMEN ABD ABDOMINAL KUB PELVIS PELVIC HIP HIPS FEMUR KNEE KNEES TIBIA FIBULA TIB FIB LEG ANKLE FOOT FEET TOE "
    "TOES HEEL CALCANEUS PATELLA SHOULDER SHOULDERS SCAPULA CLAVICLE CLAVICLES HUMERUS ELBOW FOREARM RADIUS ULNA "
    "WRIST HAND HANDS FINGER FINGERS THUMB ARM EXTREMITY RIB RIBS STERNUM STERNOCLAVICULAR SPINE SPINAL CERVICAL "
    "LUMBAR LUMBOSACRAL SACRUM COCCYX SACROILIAC SCOLIOSIS SKULL HEAD BRAIN FACE FACIAL ORBIT ORBITS NASAL SINUS "
    "SINUSES MANDIBLE JAW TEETH DENTAL NECK AIRWAY BREAST BREASTS BONE SKELETAL JOINT JOINTS LIVER KIDNEY KIDNEYS "
    "RENAL BLADDER UTERUS OBSTETRIC PROSTATE TESTICULAR SCROTUM THYROID CAROTID AORTA CARDIAC BOWEL COLON"
)

RADIOGRAPH_MODALITIES = _words("CR DX DR XR RX RG CXR XRAY")
"""OBR-24 (HL7 table 0074: RX; DICOM PS3.3 C.7.3.1.1.1: CR, DX, RG) of a projection radiograph."""

ANY_RADIOLOGY = "RAD"
"""HL7 table 0074: radiology, where CT, NMR, NMS and RUS stand beside it as sections of their own."""

OTHER_MODALITIES = OTHER_TECHNIQUE | _words(
    "RUS OUS VUS CUS NMS XRC CTH EC RT PT MG XA RF BMD IVUS ES GM SM OP OPT OCT IO PX EPS HD LAB PAT MB HM SP"
)

CHEST_RADIOGRAPH_CODES = _words(
    # LOINC, CPT of today and before 2018, SNOMED CT
    "30745-4 36643-5 36572-6 36554-4 36589-0 36687-2 42272-5 24647-0 24648-8 "
    "71045 71046 71047 71048 71010 71020 71021 71022 71030 71035 399208008"
)
OTHER_CODES = _words("24627-2 71250 71260 71270 71271 71275 71550 71551 71552 71555")
"""CT and MR of the chest: LOINC and CPT."""

_OTHER_PHRASES = re.compile(r"\b(V Q|LUNG (CANCER )?SCREEN(ING)?|LOW DOSE|HIGH RES(OLUTION)?|BONE (SURVEY|AGE))\b")
_NOT_THE_CHEST = re.compile(r"\b(CHEST WALL|BONY THORAX|THORACIC OUTLET|CHEST PAIN)\b")
_X_RAY = re.compile(r"\bX RAY")
_GLUED = re.compile(r"\b(CT|MRI|MR|XR|CR|DX|US|NM)(?=(CHEST|THORAX|ABD|HEAD|PELVIS|SPINE))")
_LOINC = re.compile(r"\b\d{4,6}-\d\b")
_RADIOLOGY_CPT = range(70010, 80000)


def examination(modality: str, procedure: str) -> Examination:
    """Decide what a report is a report of.

    Args:
        modality: as the sender put it into OBR-24, one or several; a word that is not HL7's or DICOM's says nothing.
        procedure: the text of the order (OBR-4), its code, or both.
    """
    said, codes = _read(procedure)
    sections = frozenset(re.findall(r"[A-Z0-9]+", _plain(modality)))
    words = frozenset(said.split())
    codes |= words
    if sections & OTHER_MODALITIES or words & OTHER_TECHNIQUE or codes & OTHER_CODES or _OTHER_PHRASES.search(said):
        return Examination.OTHER
    if codes & CHEST_RADIOGRAPH_CODES:
        return Examination.CHEST_RADIOGRAPH
    shown = words & RADIOGRAPH
    if words & PROCEDURES and not shown - {"PORT"}:  # which is put into a patient as well
        return Examination.OTHER
    elsewhere = bool(words & ELSEWHERE)
    if words & CHEST and (shown or sections & RADIOGRAPH_MODALITIES or (ANY_RADIOLOGY in sections and not elsewhere)):
        return Examination.CHEST_RADIOGRAPH
    if elsewhere or any(word.isdecimal() and int(word) in _RADIOLOGY_CPT for word in words if len(word) == 5):
        return Examination.OTHER
    return Examination.UNKNOWN


def _read(procedure: str) -> tuple[str, frozenset[str]]:
    """A procedure's words, parted by single blanks, figures from letters too (2VIEWS, CXR1V); its LOINC codes."""
    plain = _plain(procedure)
    said = " ".join(re.findall(r"[A-Z]+|[0-9]+", plain))
    said = _NOT_THE_CHEST.sub(" ", _X_RAY.sub("XRAY", said))
    return _GLUED.sub(r"\1 ", said), frozenset(_LOINC.findall(plain))


def _plain(text: str) -> str:
    """Upper case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).upper().strip()

"""Words that notices are made of, by language. Every list is open: more ways of saying the same make a better adapter."""

MAKERS = [
    "Texas Instruments", "STMicroelectronics", "Infineon Technologies AG", "Analog Devices", "NXP Semiconductors", "onsemi", "Microchip Technology", "Renesas Electronics", "Vishay",
    "ROHM Semiconductor", "Nexperia", "Diodes Incorporated", "Murata Manufacturing", "TDK Corporation", "Littelfuse", "Panasonic Industry", "Toshiba", "Bourns", "KEMET", "Molex",
    "Aldermoor Devices", "Brixham Microsystems Ltd", "Castellan Power GmbH", "Dunmore Sensors", "Elbtal Halbleiter GmbH", "Fairlight Optronics", "Gransee Relais", "Hokuto Denshi",
    "Ilmenau Quarz AG", "Juniper Ridge Analog", "Kestrel RF Inc.", "Lochmere Memory", "Marisol Componentes", "Norvik Power AS", "Ostrava Passive", "Pinecrest Logic",
]
MONTHS = {
    "en": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
    "de": ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
    "fr": ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"],
    "es": ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"],
}
LABELS = {
    "en": {
        "issue": ["Issued", "Dated", "Publication date", "PCN date", "Release date", "Issue date", "Date of issue", "Notification date", "Published", "Date", "Notice date", "Released on", "Announcement date", "Date issued"],
        "buy": ["Last time buy date", "LTB", "Last order date", "Final order date", "Last purchase order accepted", "Last day to order", "Order deadline", "Order book closes", "LTO date", "Final call for orders", "Final orders by", "Last buy", "Last orders accepted", "EOL order date", "Last Order", "Lifetime buy until", "Purchase order due date", "LTB Date", "Last PO date"],
        "ship": ["Last time ship date", "LTS", "Last shipment", "Final delivery date", "Last delivery", "Shipments end", "Last ship", "LTS Date", "Last shipping date", "Final shipment", "Final ship date", "Deliveries until", "LTD date"],
        "effective": ["Effective date", "Change takes effect", "First ship date", "Date code from", "Expected first shipment date", "Status valid from", "Implementation", "Change effective from", "First shipment of changed product", "Planned start", "Earliest ship date of new version"],
        "reply": ["Please reply by", "Response due", "Acknowledge receipt by", "Comments until", "Samples can be ordered from", "Datasheet dated"],
        "form": ["Form revision", "Template rev.", "Document version", "QF-812 rev. C", "Form approved", "Previous revision"],
    },
    "de": {
        "issue": ["Ausgabedatum", "Datum", "Mitteilung vom", "Erstellt am", "Veröffentlicht"],
        "buy": ["Letzter Bestelltermin", "Bestellschluss", "Letztmalige Bestellung", "Last Order", "Letzte Bestellmöglichkeit", "Bestellbar bis", "Letzter Auftragseingang", "Letztbestellung"],
        "ship": ["Letzter Liefertermin", "Letzte Auslieferung", "Lieferende", "Letzte Lieferung", "Lieferbar bis", "Letztlieferung"],
        "effective": ["Gültig ab", "Umsetzung ab", "Wirksam ab", "Erste Lieferung geänderter Ware"],
        "reply": ["Rückmeldung bis", "Muster ab", "Antwort erbeten bis"],
        "form": ["Formular Stand", "Vorlage vom", "Revision des Formblatts"],
    },
    "fr": {
        "issue": ["Date d'émission", "Date", "Date de l'avis", "Émis le"],
        "buy": ["Date limite de commande", "Dernière commande", "Dernier achat possible", "Dernières commandes jusqu'au", "Clôture des commandes"],
        "ship": ["Dernière livraison", "Dernière expédition", "Fin des livraisons", "Dernières livraisons jusqu'au"],
        "effective": ["Date d'effet", "Mise en œuvre", "Entrée en vigueur"],
        "reply": ["Réponse avant le", "Échantillons à partir du"],
        "form": ["Formulaire, révision du", "Modèle du"],
    },
    "es": {
        "issue": ["Fecha de emisión", "Fecha", "Fecha del aviso", "Publicado el"],
        "buy": ["Última fecha de pedido", "Fecha límite de compra", "Último pedido", "Pedidos hasta", "Fecha de última compra"],
        "ship": ["Última entrega", "Último envío", "Fin de entregas", "Entregas hasta"],
        "effective": ["Fecha efectiva", "Entrada en vigor", "Implementación"],
        "reply": ["Responder antes del", "Muestras desde"],
        "form": ["Formulario, revisión", "Plantilla de"],
    },
    "ja": {
        "issue": ["発行日", "通知日", "作成日"], "buy": ["最終受注日", "最終注文期限", "ご注文締切日", "最終発注日", "受注締切", "最終受注", "LTB"], "ship": ["最終出荷日", "最終納入日", "出荷終了", "最終納期", "最終出荷"],
        "effective": ["適用開始日", "実施日", "切替予定日"], "reply": ["ご回答期限", "サンプル提供開始日"], "form": ["様式改訂日", "書式制定"],
    },
    "zh": {
        "issue": ["发布日期", "通知日期", "发文日期"], "buy": ["最后订购日期", "最后下单日", "最后采购日期", "截止订货", "最后订货日", "最终订单截止日"], "ship": ["最后出货日期", "最后交货日", "停止供货", "最后发货", "最终出货日"],
        "effective": ["生效日期", "实施日期", "变更开始"], "reply": ["请于此日期前回复", "样品提供日期"], "form": ["表单修订日期", "文件版本日期"],
    },
}
SENTENCES = {
    "en": {
        "issue": ["This notice was issued on {date}.", "Dated {date}.", "We publish this notification on {date}.", "As of today, {date}, we inform you as follows."],
        "buy": ["Please place your last orders by {date}.", "Orders will be accepted until {date}.", "Purchase orders received after {date} cannot be honoured.", "The order book closes on {date}.", "You have until {date} to secure your remaining demand.", "Your final demand must reach us no later than {date}."],
        "ship": ["All deliveries must be completed by {date}.", "The last goods leave our factory on {date}.", "Shipments will be scheduled no later than {date}.", "Delivery of these orders ends on {date}.", "Nothing can be sent to you after {date}."],
        "effective": ["The change will be implemented from {date}.", "Changed product ships from {date} on.", "Samples of the new version are available from {date}."],
        "form": ["(Form QA-17, revision of {date})", "This template was last approved on {date}.", "Page 1 of 2, form dated {date}."],
    },
    "de": {
        "issue": ["Diese Mitteilung wurde am {date} erstellt.", "Wir informieren Sie mit Stand {date}."],
        "buy": ["Bestellungen nehmen wir bis {date} entgegen.", "Bitte bestellen Sie Ihren Restbedarf bis spätestens {date}.", "Ihr letzter Auftrag muss uns bis {date} vorliegen."],
        "ship": ["Die letzten Lieferungen erfolgen bis {date}.", "Ausgeliefert wird längstens bis {date}."],
        "effective": ["Die Änderung gilt ab {date}.", "Geänderte Ware liefern wir ab {date}."],
        "form": ["(Formblatt 8-12, Stand {date})", "Vorlage freigegeben am {date}."],
    },
    "fr": {
        "issue": ["Le présent avis est émis le {date}.", "Avis du {date}."],
        "buy": ["Vos dernières commandes sont acceptées jusqu'au {date}.", "Merci de passer vos commandes finales avant le {date}."],
        "ship": ["Les dernières livraisons auront lieu le {date} au plus tard.", "Nous expédierons jusqu'au {date}."],
        "effective": ["La modification sera appliquée à partir du {date}."],
        "form": ["(Formulaire Q-31, révision du {date})"],
    },
    "es": {
        "issue": ["Este aviso se emite el {date}.", "Aviso de fecha {date}."],
        "buy": ["Aceptaremos los últimos pedidos hasta el {date}.", "Le rogamos que haga su compra final antes del {date}."],
        "ship": ["Las últimas entregas se harán el {date} como muy tarde.", "Enviaremos producto hasta el {date}."],
        "effective": ["El cambio se aplicará desde el {date}."],
        "form": ["(Formulario C-4, revisión de {date})"],
    },
    "ja": {
        "issue": ["本通知は{date}に発行しました。"], "buy": ["ご注文は{date}まで承ります。", "最終のご注文は{date}までにお願いいたします。"], "ship": ["出荷は{date}をもって終了いたします。", "納入は{date}までといたします。"],
        "effective": ["変更は{date}より適用いたします。"], "form": ["（様式Q-12、{date}改訂）"],
    },
    "zh": {
        "issue": ["本通知于{date}发布。"], "buy": ["请于{date}前下达最后订单。", "我们接受订单至{date}止。"], "ship": ["最后一批货将于{date}前发出。", "{date}之后不再供货。"],
        "effective": ["变更自{date}起实施。"], "form": ["（表单Q-12，{date}修订）"],
    },
}
PART_WORDS = {
    "en": {
        "part": ["Affected part number", "Part number", "Discontinued part", "Device", "Products concerned", "Orderable part", "MPN", "Impacted devices"],
        "replacement": ["Replacement", "Recommended replacement", "Suggested alternative", "Successor", "Substitute part", "New part"], "none": ["None", "n/a", "No replacement", "not available"],
        "sentence": ["This concerns {parts}.", "The following types are concerned: {parts}.", "The notice covers {parts} in all packings."],
        "replaced": ["{old} is replaced by {new}.", "Please use {new} instead of {old}.", "For {old} we recommend {new}."],
    },
    "de": {
        "part": ["Betroffenes Teil", "Artikelnummer", "Abgekündigter Typ", "Bauteil", "Betroffene Produkte"], "replacement": ["Ersatz", "Empfohlener Nachfolger", "Ersatztyp", "Alternative"], "none": ["kein Ersatz", "entfällt", "keiner"],
        "sentence": ["Betroffen sind {parts}.", "Es handelt sich um {parts}."], "replaced": ["{old} wird durch {new} ersetzt.", "Als Nachfolger von {old} empfehlen wir {new}."],
    },
    "fr": {
        "part": ["Référence concernée", "Produit", "Références arrêtées"], "replacement": ["Remplacement", "Produit de substitution", "Équivalent conseillé"], "none": ["aucun", "sans remplacement"],
        "sentence": ["Sont concernées les références {parts}."], "replaced": ["{old} est remplacé par {new}."],
    },
    "es": {
        "part": ["Referencia afectada", "Pieza", "Productos afectados"], "replacement": ["Sustituto", "Reemplazo recomendado", "Alternativa"], "none": ["ninguno", "sin sustituto"],
        "sentence": ["Afecta a las referencias {parts}."], "replaced": ["{old} será reemplazado por {new}."],
    },
    "ja": {"part": ["対象品番", "対象製品", "型番"], "replacement": ["代替品", "推奨代替品", "後継品"], "none": ["なし"], "sentence": ["対象は {parts} です。"], "replaced": ["{old} の代替品は {new} です。"]},
    "zh": {"part": ["受影响型号", "产品型号", "停产型号"], "replacement": ["替代型号", "推荐替代品", "后续型号"], "none": ["无"], "sentence": ["涉及型号：{parts}。"], "replaced": ["{old} 由 {new} 替代。"]},
}
KIND_TEXT = {
    "en": {
        "PDN": {
            "title": ["Product Discontinuance Notice {number}", "End of Life Notification {number}", "{number}: product withdrawal", "Notification {number}: last time buy", "Obsolescence bulletin {number}", "Customer letter {number}: end of production"],
            "body": ["{maker} has decided to end production of the parts below.", "Owing to low demand we will stop making these devices.", "The wafer process of these parts is closing, and so their production ends.", "We regret to tell you that these types leave our portfolio.", "Manufacture of the items listed ceases."],
        },
        "PCN": {
            "title": ["Product Change Notification {number}", "Process Change Notice {number}", "{number}: assembly site transfer", "{number} - moulding compound change", "Change of packing, notice {number}"],
            "body": ["Assembly moves to our second site; form, fit and function stay the same.", "The lead frame finish changes; part numbers do not.", "{maker} qualifies a second wafer source for these devices. They are not being discontinued.", "Die revision B replaces revision A under the same part number.", "The label and the reel change."],
        },
        "NRND": {
            "title": ["Product status change {number}", "Notice {number}: not recommended for new designs", "NRND information {number}"],
            "body": ["These parts are no longer recommended for new designs; production goes on.", "Status changes from Active to NRND. Existing customers are supplied as before.", "Please do not design in these devices. There is no last order date."],
        },
        "retraction": {
            "title": ["Withdrawal of notice {number}", "Retraction: {number}", "Cancellation of end of life notice {number}", "Update to {number}: discontinuance rescinded"],
            "body": ["Our discontinuance notice {number} is withdrawn; the parts stay in production.", "{maker} retracts the earlier end of life notice. Please disregard it.", "The product remains active, and all last order dates are void."],
        },
        "OTHER": {
            "title": ["Holiday closing of our warehouse", "Order confirmation", "Price list 2026", "Your quotation request", "Newsletter: long live our parts", "Invitation to our webinar on obsolescence", "Invoice", "Certificate of conformity"],
            "body": ["Please find our quotation for {parts} attached.", "Our webinar shows how to manage end of life parts.", "We confirm that {parts} is NOT being discontinued and has no planned end.", "Our office is closed for the holidays; orders are shipped afterwards.", "Your invoice for {parts} is attached; please pay within 30 days."],
        },
    },
    "de": {
        "PDN": {"title": ["Produktabkündigung {number}", "Abkündigung {number}", "Mitteilung {number}: Auslauf"], "body": ["Wir stellen die Fertigung der genannten Typen ein.", "{maker} nimmt die folgenden Bauteile aus dem Programm.", "Die Produktion der Artikel läuft aus."]},
        "PCN": {"title": ["Änderungsmitteilung {number}", "Produktänderung {number}"], "body": ["Die Montage wird verlagert; Form, Passung und Funktion bleiben gleich.", "Das Gehäusematerial ändert sich. Die Teile werden nicht abgekündigt."]},
        "NRND": {"title": ["Statusänderung {number}", "{number}: nicht für Neuentwicklungen"], "body": ["Die Teile sind nicht mehr für Neuentwicklungen empfohlen, bleiben aber lieferbar."]},
        "retraction": {"title": ["Rücknahme der Abkündigung {number}", "Widerruf {number}"], "body": ["Die Abkündigung {number} wird zurückgezogen; die Teile bleiben im Programm."]},
        "OTHER": {"title": ["Betriebsferien", "Ihre Anfrage", "Rechnung", "Einladung zum Seminar Obsoleszenz"], "body": ["Anbei unser Angebot über {parts}.", "Im Seminar geht es um abgekündigte Bauteile.", "Wir bestätigen, dass {parts} nicht abgekündigt ist."]},
    },
    "fr": {
        "PDN": {"title": ["Avis d'arrêt de production {number}", "Fin de vie produit {number}"], "body": ["{maker} arrête la fabrication des produits ci-dessous.", "Ces références quittent notre catalogue."]},
        "PCN": {"title": ["Avis de modification {number}", "Modification du procédé {number}"], "body": ["Le site d'assemblage change; forme et fonction restent identiques."]},
        "NRND": {"title": ["Changement de statut {number}"], "body": ["Ces produits sont déconseillés pour les nouvelles conceptions et restent livrables."]},
        "retraction": {"title": ["Annulation de l'avis {number}"], "body": ["L'avis de fin de vie {number} est annulé; les produits restent disponibles."]},
        "OTHER": {"title": ["Fermeture annuelle", "Votre demande de prix", "Facture"], "body": ["Veuillez trouver notre offre pour {parts}.", "Nos bureaux sont fermés pendant les fêtes."]},
    },
    "es": {
        "PDN": {"title": ["Aviso de descontinuación {number}", "Fin de vida {number}"], "body": ["{maker} deja de fabricar los productos siguientes.", "Estas referencias salen de nuestro catálogo."]},
        "PCN": {"title": ["Notificación de cambio {number}"], "body": ["Cambia la planta de montaje; forma y función se mantienen."]},
        "NRND": {"title": ["Cambio de estado {number}"], "body": ["No recomendado para nuevos diseños; la producción continúa."]},
        "retraction": {"title": ["Anulación del aviso {number}"], "body": ["El aviso {number} queda sin efecto; los productos siguen disponibles."]},
        "OTHER": {"title": ["Cierre por vacaciones", "Su consulta", "Factura"], "body": ["Adjuntamos la oferta de {parts}.", "Nuestra oficina cierra por vacaciones."]},
    },
    "ja": {
        "PDN": {"title": ["生産終了のお知らせ {number}", "製造中止通知 {number}"], "body": ["下記製品の生産を終了いたします。", "{maker}は対象製品の製造を中止いたします。"]},
        "PCN": {"title": ["変更通知 {number}", "工程変更のお知らせ {number}"], "body": ["組立拠点を変更いたします。形状・機能に変更はございません。"]},
        "NRND": {"title": ["新規設計非推奨のお知らせ {number}"], "body": ["本製品は新規設計には推奨いたしません。生産は継続します。"]},
        "retraction": {"title": ["生産終了通知 {number} の取り消し"], "body": ["先の通知 {number} を撤回いたします。生産は継続します。"]},
        "OTHER": {"title": ["年末年始休業のお知らせ", "お見積もり"], "body": ["{parts} のお見積もりをお送りします。", "休業期間中の出荷はございません。"]},
    },
    "zh": {
        "PDN": {"title": ["停产通知 {number}", "产品终止通知 {number}"], "body": ["下列产品将停止生产。", "{maker}决定停产以下型号。"]},
        "PCN": {"title": ["产品变更通知 {number}", "工艺变更 {number}"], "body": ["封装地点变更，外形与功能不变。"]},
        "NRND": {"title": ["状态变更 {number}"], "body": ["不推荐用于新设计，继续供货。"]},
        "retraction": {"title": ["撤销停产通知 {number}"], "body": ["此前的通知 {number} 现已撤销，产品继续生产。"]},
        "OTHER": {"title": ["放假通知", "报价单"], "body": ["附上 {parts} 的报价。", "假期期间不发货。"]},
    },
}
TRAPS = {
    "en": {
        "old_material": ["Last orders for unchanged material: {date}.", "Product of the old site can be ordered until {date} and ships until {ship}.", "Last time buy of current version: {date}", "A bridge buy of the earlier revision is possible until {date}."],
        "superseded": ["This replaces our notice of {date}.", "The date of {date} given earlier is void.", "Originally announced for {date}; that no longer holds.", "It supersedes the version dated {date}."],
        "void": ["The last order date of {date} no longer applies.", "Disregard last time buy {date} and last ship {ship}.", "Previously announced last shipment: {ship}."],
        "material": ["The new moulding compound is {number}.", "Qualification vehicle: {number}.", "Carrier tape {number} is used from now on.", "Lead frame supplier drawing {number}."],
        "elsewhere": ["The offer is valid until {date}.", "Orders placed after {date} ship next year.", "A supplier of ours ends {number} on {date}; our product is not touched.", "Payment is due on {date}."],
    },
    "de": {"old_material": ["Letzte Bestellung alter Ware: {date}.", "Unveränderte Ware ist bis {date} bestellbar."], "superseded": ["Ersetzt unser Schreiben vom {date}.", "Der frühere Termin {date} ist hinfällig."], "void": ["Der Bestellschluss {date} gilt nicht mehr."], "material": ["Neue Pressmasse: {number}."], "elsewhere": ["Das Angebot gilt bis {date}.", "Zahlbar bis {date}."]},
    "fr": {"old_material": ["Dernière commande de l'ancienne version: {date}."], "superseded": ["Remplace notre avis du {date}."], "void": ["La date limite du {date} ne s'applique plus."], "material": ["Nouvelle résine: {number}."], "elsewhere": ["Offre valable jusqu'au {date}."]},
    "es": {"old_material": ["Último pedido de la versión anterior: {date}."], "superseded": ["Sustituye a nuestro aviso de {date}."], "void": ["La fecha de {date} ya no es válida."], "material": ["Nueva resina: {number}."], "elsewhere": ["Oferta válida hasta el {date}."]},
    "ja": {"old_material": ["変更前製品の最終受注日：{date}"], "superseded": ["{date}付の旧通知に代わるものです。"], "void": ["先にお知らせした最終受注日 {date} は無効です。"], "material": ["新しい樹脂：{number}"], "elsewhere": ["見積有効期限：{date}"]},
    "zh": {"old_material": ["变更前产品最后订购日期：{date}"], "superseded": ["本通知取代{date}的版本。"], "void": ["原定最后订购日期{date}作废。"], "material": ["新塑封料：{number}"], "elsewhere": ["报价有效期至{date}。"]},
}
NOISE = {
    "en": ["Contact your sales office with any question.", "Tel. +1 555 0100", "All trademarks belong to their owners.", "Quality Management"], "de": ["Mit freundlichen Grüßen", "Bei Fragen wenden Sie sich an den Vertrieb.", "Geschäftsführer: M. Beispiel"],
    "fr": ["Cordialement", "Service qualité"], "es": ["Atentamente", "Departamento de calidad"], "ja": ["よろしくお願い申し上げます。", "品質保証部"], "zh": ["此致敬礼", "质量部"],
}
SENTENCES["en"]["reply"] = ['Please confirm receipt by {date}.', 'Questions may be sent until {date}.']
SENTENCES["de"]["reply"] = ['Bitte bestätigen Sie den Erhalt bis {date}.']
SENTENCES["fr"]["reply"] = ['Merci de confirmer la réception avant le {date}.']
SENTENCES["es"]["reply"] = ['Confirme la recepción antes del {date}.']
SENTENCES["ja"]["reply"] = ['{date}までにご回答ください。']
SENTENCES["zh"]["reply"] = ['请于{date}前回复确认。']
PART_WORDS["en"]["inline"] = ['{parts} will no longer be produced.', 'We are closing {parts}.', 'The end of life of {parts} has been decided.', 'Production of {parts} stops.', '{parts} leave our range.']
PART_WORDS["de"]["inline"] = ['{parts} wird nicht mehr gefertigt.', 'Die Typen {parts} laufen aus.', 'Hiermit kündigen wir {parts} ab.']
PART_WORDS["fr"]["inline"] = ['{parts} ne sera plus fabriqué.', 'La production de {parts} prend fin.']
PART_WORDS["es"]["inline"] = ['{parts} deja de fabricarse.', 'Se retira {parts} del programa.']
PART_WORDS["ja"]["inline"] = ['{parts} の生産を終了いたします。']
PART_WORDS["zh"]["inline"] = ['{parts} 将停产。']
for extra in (
    ("en", "part", ["Type", "Item", "Model", "Ordering code", "Catalogue no.", "Discontinued MPN", "Product", "EOL part", "Obsolete part", "Material", "Affected devices", "Part"]),
    ("en", "replacement", ["Use instead", "Alternative", "Alternate part", "Follow-up type", "Replaced by", "Nearest equivalent", "Recommended part", "Drop-in"]),
    ("en", "replaced", ["{new} takes the place of {old}.", "The successor of {old} is {new}.", "{new} (for {old}) is available now.", "{old} -> {new}"]),
    ("de", "part", ["Typ", "Bestellnummer", "Artikel", "Abgekündigt", "Baureihe"]), ("de", "replacement", ["Nachfolger", "Ersatzartikel", "Nachfolgetyp"]),
    ("fr", "part", ["Article", "Référence", "Code article"]), ("fr", "replacement", ["Remplaçant", "Référence de remplacement"]),
    ("es", "part", ["Artículo", "Referencia", "Código"]), ("es", "replacement", ["Reemplazo", "Referencia sustituta"]),
    ("ja", "part", ["品番", "製品名", "形名", "生産終了品番"]), ("ja", "replacement", ["代替品番", "推奨品", "置換品"]), ("zh", "part", ["型号", "料号", "停产料号", "品名"]), ("zh", "replacement", ["替代料号", "替代品", "建议替代"]),
):
    PART_WORDS[extra[0]][extra[1]] += extra[2]

MAKER_STEMS = {
    "other": ["Aldermoor", "Brixham", "Castellan", "Dunmore", "Elbtal", "Fairlight", "Gransee", "Ilmenau", "Juniper Ridge", "Kestrel", "Lochmere", "Marisol", "Norvik", "Pinecrest", "Quarrystone", "Ravenscar", "Silberhorn", "Tamarind",
              "Umbria", "Vantage Peak", "Westerholm", "Yarrow", "Zellwood", "Ardcroft", "Blue Mesa", "Corvane", "Drosselberg", "Estrela", "Fjordlys", "Glenmore", "Hartwell & Sons", "Isarwerk", "Jadewell", "Kilnford", "Lumivar", "Montclair",
              "Nordheide", "Ostwind", "Polaris Bay", "Quillan", "Rosenau", "Solenne", "Tarnfield", "Ulvik", "Valmora", "Wyndham", "Xenora", "Ystad", "Zephyr Hill", "TKE", "BDX", "Mira-Tec", "SKL", "Orbis", "Nanotra"],
    "ja": ["北斗", "青葉", "富岳", "東雲", "若葉", "ミナト", "サクラ", "白鳥", "三河", "日高"],
    "zh": ["华睿", "深芯", "江南", "恒达", "鼎盛", "金桥", "东方微", "瑞科", "南山", "海川"],
}
MAKER_TAILS = {
    "en": [" Semiconductor", " Semiconductor Inc.", " Devices", " Microsystems Ltd", " Electronics", " Components Corp.", " Power", " Sensors", " Technologies", " Connectors", " Optics", " RF", " Analog", " Resistors", " Memory", " Relays", "",
           " Passives", " Timing", " Displays", " Magnetics LLC", " Co., Ltd.", " Circuits", " Interconnect", " Photonics plc"],
    "de": [" GmbH", " AG", " Elektronik", " Halbleiter GmbH", " Bauelemente", " Sensorik", " Relais", " Quarz GmbH & Co. KG", " Messtechnik", " Spulen"],
    "fr": [" Composants", " Électronique SA", " Optronique", " Semiconducteurs", " Connectique", " SAS"],
    "es": [" Componentes", " Electrónica S.A.", " Semiconductores", " Sensores S.L.", " Relés"],
    "ja": ["電子株式会社", "半導体", "電機", "セラミック株式会社", "工業", "デバイス"],
    "zh": ["半导体有限公司", "电子", "微电子股份有限公司", "传感器有限公司", "科技"],
}
FIELDS = {
    "en": {"maker": ["Manufacturer", "Maker", "Supplier", "Company", "Brand", "Mfr", "Vendor name"], "number": ["Notice no.", "Notification number", "Number", "Document", "Reference", "Our ref.", "PCN #", "Bulletin", "ID", "Control no.", "Notice", "Case number"],
           "category": ["Product family", "Category", "Type of change", "Package", "Reason", "Subject", "Classification"], "contact": ["Contact", "Prepared by", "Approved by", "Author", "Your contact"]},
    "de": {"maker": ["Hersteller", "Firma", "Lieferant"], "number": ["Mitteilung Nr.", "Nummer", "Unser Zeichen", "Dokument", "Vorgang"], "category": ["Produktgruppe", "Grund", "Bauform"], "contact": ["Ansprechpartner", "Erstellt von"]},
    "fr": {"maker": ["Fabricant", "Société"], "number": ["Avis n°", "Référence", "Numéro", "Dossier"], "category": ["Famille", "Motif"], "contact": ["Contact", "Rédigé par"]},
    "es": {"maker": ["Fabricante", "Empresa"], "number": ["Aviso n.º", "Referencia", "Número"], "category": ["Familia", "Motivo"], "contact": ["Contacto", "Elaborado por"]},
    "ja": {"maker": ["メーカー", "製造元", "会社名"], "number": ["通知番号", "文書番号", "管理No."], "category": ["製品群", "理由"], "contact": ["担当", "作成"]},
    "zh": {"maker": ["制造商", "厂商", "公司"], "number": ["通知编号", "文件编号", "编号"], "category": ["产品类别", "原因"], "contact": ["联系人", "编制"]},
}
CATEGORIES = {
    "en": ["Linear regulators, SOT-23", "Chip resistors 0603", "Schottky diodes", "Wafer fab closure", "Low demand", "Crystal units", "Assembly site", "Electrolytic capacitors", "Automotive sensors, AEC-Q100", "QFN-32", "Board connectors 2.54 mm", "Tooling worn out"],
    "de": ["Leistungsdioden", "Geringe Nachfrage", "Steckverbinder RM 2,54", "Gehäuse TO-220", "Fertigungslinie wird geschlossen"], "fr": ["Condensateurs film", "Faible demande", "Boîtier DIP-8"], "es": ["Relés de potencia", "Baja demanda", "Encapsulado SO-8"],
    "ja": ["チップ抵抗器", "需要減少のため", "SOT-23パッケージ"], "zh": ["贴片电阻", "市场需求下降", "SOT-23封装"],
}
PEOPLE = {
    "en": ["Alice Turner", "M. Okafor", "J. P. Lindqvist", "Susan Whitfield", "Product Marketing", "Karim Haddad", "Quality Department", "Ben Archer", "Obsolescence Team", "Customer Service"], "de": ["Jens Albrecht", "Dr. Ute Kern", "Vertrieb Innendienst", "Qualitätsmanagement"],
    "fr": ["Claire Fontaine", "Service clients", "Luc Moreau"], "es": ["Lucía Vega", "Departamento comercial", "Pablo Ortiz"], "ja": ["営業部", "田中 健", "品質保証部"], "zh": ["王敏", "销售部", "质量部 刘强"],
}
ADDRESSEES = {
    "en": ["To our customers", "To: Purchasing Department", "Attention: component engineering", "To whom it may concern", "Delivered by Rowan Distribution Ltd", "Attn. Harper Controls Inc."], "de": ["An unsere Kunden", "z. Hd. Einkauf", "An die Firma Bergmann Steuerungen GmbH"],
    "fr": ["À l'attention du service achats", "À nos clients"], "es": ["A nuestros clientes", "A la atención de compras"], "ja": ["お客様各位", "購買ご担当者様"], "zh": ["致各位客户", "致采购部"],
}
SIGNED = {
    "en": {"greeting": ["Dear customer,", "Dear Sir or Madam,", "Hello,", "Ladies and gentlemen,"], "close": ["Sincerely,", "Kind regards", "Yours faithfully", "Best wishes,"], "post": ["Product Manager", "Head of Quality", "Regional Sales", "Change Control"],
           "sentence": ["{maker} writes to you about its products.", "This is a message of {maker} to its customers.", "{maker} thanks you for your business.", "At {maker} we keep our portfolio under review.", "{maker} announces the following."]},
    "de": {"greeting": ["Sehr geehrte Damen und Herren,", "Guten Tag,"], "close": ["Mit freundlichen Grüßen", "Freundliche Grüße"], "post": ["Produktmanagement", "Leiter Qualität", "Vertrieb"], "sentence": ["{maker} teilt Ihnen Folgendes mit.", "Die {maker} informiert ihre Kunden."]},
    "fr": {"greeting": ["Madame, Monsieur,", "Bonjour,"], "close": ["Cordialement,", "Sincères salutations"], "post": ["Chef de produit", "Responsable qualité"], "sentence": ["{maker} vous informe de ce qui suit.", "La société {maker} s'adresse à ses clients."]},
    "es": {"greeting": ["Estimados clientes:", "Buenos días:"], "close": ["Atentamente,", "Un saludo"], "post": ["Jefe de producto", "Calidad"], "sentence": ["{maker} les comunica lo siguiente.", "En {maker} revisamos nuestro catálogo."]},
    "ja": {"greeting": ["拝啓 時下ますますご清栄のこととお慶び申し上げます。", "いつもお世話になっております。"], "close": ["敬具", "以上"], "post": ["営業推進部", "品質管理課"], "sentence": ["{maker}よりお知らせいたします。"]},
    "zh": {"greeting": ["尊敬的客户：", "您好："], "close": ["此致敬礼", "顺颂商祺"], "post": ["产品部", "客户服务部"], "sentence": ["{maker}特此通知。", "{maker}感谢您一直以来的支持。"]},
}
NOTHING = {"en": ["n/a", "none", "not applicable", "-", "no date set"], "de": ["entfällt", "keiner", "nicht geplant"], "fr": ["sans objet", "aucune"], "es": ["no aplica", "ninguna"], "ja": ["なし", "設定なし"], "zh": ["无", "不适用"]}
# Things with digits that are no parts of the notice.
PART_TRAPS = {
    "en": ["The package SOT-23-5 is not changed.", "Mould compound {number} replaces the earlier one.", "Tested to AEC-Q100 and JESD22-A104.", "{number} is not affected and stays in production.", "Call +1 555 0199 or write to box {count}.", "We hold {count} pcs in stock.", "Your part number: {number}",
           "The qualification vehicle was {number}.", "Tape supplier part {number} is used from now on.", "See application note AN-{count}.", "Minimum quantity {count} pieces.", "Our supplier ends {number}, which is used inside.", "{number} continues to be available."],
    "de": ["Gehäuse TO-252 bleibt gleich.", "{number} ist nicht betroffen.", "Mindestmenge {count} Stück.", "Neue Vergussmasse {number}.", "Telefon 07031 4{count}."], "fr": ["{number} n'est pas concerné.", "Quantité minimale {count} pièces.", "Nouvelle résine {number}."],
    "es": ["{number} no está afectado.", "Cantidad mínima {count} piezas."], "ja": ["{number} は対象外です。", "最小注文数 {count} 個"], "zh": ["{number} 不受影响。", "最小订购量 {count}"],
}
EXTRA_COLUMNS = [
    ("Your part no.", lambda rng, at: f"{rng.randint(100000, 9999999)}"), ("Package", lambda rng, at: rng.choice(["SOT-23", "TO-220", "QFN-32", "DIP-8", "0603", "SOIC-16"])), ("MOQ", lambda rng, at: str(rng.choice([100, 500, 1000, 2500, 3000]))),
    ("Description", lambda rng, at: rng.choice(["LDO 3.3 V", "TVS diode 24 V", "Crystal 8 MHz", "Header 2x5", "Op amp, dual"])), ("No.", lambda rng, at: str(at + 1)), ("Status", lambda rng, at: rng.choice(["EOL", "NRND", "Obsolete"])), ("Customer item", lambda rng, at: f"K{rng.randint(1000, 99999)}"),
]
for language, texts in {
    "en": ["Last time buy: not applicable.", "The parts are not discontinued.", "No last orders are needed; supply goes on.", "A supplier has announced the end of its resin; our part stays available.", "This is no end of life notice."],
    "de": ["Die Teile bleiben lieferbar; es gibt keine letzte Bestellung.", "Dies ist keine Abkündigung."], "fr": ["Les produits restent disponibles; ceci n'est pas un avis de fin de vie."], "es": ["Los productos siguen disponibles; no es un aviso de fin de vida."],
    "ja": ["生産は継続いたします。最終受注日はございません。"], "zh": ["产品继续供应，并非停产通知。"],
}.items():
    TRAPS[language]["no_end"] = texts
for language, name, texts in (
    ("en", "elsewhere", ["The seminar takes place on {date}.", "Delivery of order {number} is planned for {date}.", "Our last order of this year was placed on {date}.", "The contract ends on {date} and can be renewed.", "Is it true that {number} goes end of life with a last time buy on {date}?", "New prices are valid from {date}.",
      "Last time buy stock of {number} is on offer until {date}.", "The rumour that {number} is discontinued is not true.", "The last order before the holidays is accepted on {date}.", "Please answer our questions about {number} before {date}."]),
    ("en", "superseded", ["Earlier version: {old}.", "Replaces {earlier} of {old}.", "Revision 1 was issued on {old}.", "See also {earlier}.", "Our letter {earlier} dated {old} is no longer valid."]),
    ("en", "void", ["Previous last order date: {date} (cancelled).", "The notice {earlier} had named {date} as the last order date; this is withdrawn."]),
    ("en", "old_material", ["Material of the earlier kind may be ordered until {date}.", "Last orders of the unchanged version by {date}, last deliveries {ship}.", "Stock of the present version will run out around {date}."]),
    ("de", "elsewhere", ["Stimmt es, dass {number} zum {date} abgekündigt wird?", "Die neuen Preise gelten ab {date}.", "Letzte Bestellungen vor den Feiertagen bis {date}.", "Der Vertrag endet am {date}."]), ("fr", "elsewhere", ["Les nouveaux prix s'appliquent au {date}.", "Dernières commandes avant les congés : {date}."]),
    ("es", "elsewhere", ["Los nuevos precios rigen desde el {date}.", "Últimos pedidos antes de las vacaciones: {date}."]), ("ja", "elsewhere", ["年内最終受注は{date}です。", "価格改定日：{date}"]), ("zh", "elsewhere", ["新价格自{date}起执行。", "节前最后下单日：{date}"]),
    ("de", "superseded", ["Frühere Fassung vom {old}.", "Siehe auch {earlier}."]), ("fr", "superseded", ["Voir aussi {earlier} du {old}."]), ("es", "superseded", ["Véase también {earlier} de {old}."]), ("ja", "superseded", ["前回通知：{earlier}（{old}）"]), ("zh", "superseded", ["前次通知：{earlier}（{old}）"]),
):
    TRAPS[language][name] += texts
for language, kind, titles, bodies in (
    ("en", "PDN", ["Discontinuation of {part}", "{part}: end of life", "Product obsolescence notice", "{number} End of production", "DISCONTINUANCE", "Last call for {part}", "Retirement of {part} ({number})", "EOL announcement", "Phase-out of {parts}"],
     ["We are sorry to announce that {parts} will be discontinued.", "The machine that makes these parts cannot be repaired any more, so we cease their production.", "Sales have fallen for years. We therefore withdraw {part} from sale.", "Our supplier stops the raw material; the products named here end with it.", "As part of a clean-up of our range, the following are made obsolete.", "{maker} announces the discontinuance of the products listed here.",
      "You bought {part} from us. It reaches its end of life.", "Status of the following parts: obsolete. Last orders are accepted as stated.", "The fab is shut down. The parts are phased out."]),
    ("en", "PCN", ["Change of test location, {number}", "{number}: new wafer supplier", "Information about a change to {part}", "PCN: marking change", "Notice of change", "Product/Process Change Notification {number}", "Update of data sheet {part}"],
     ["The test of {parts} is moved to another site.", "Reason for change: capacity. The part number does not change.", "A second source is added for the wire. Form, fit, function, quality and reliability are unaffected.", "The plating supplier discontinues its bath; we change to matte tin.", "We improve the marking of {parts}.", "The electrical limits in the data sheet are corrected.", "Moisture level goes from 3 to 1 after a change of resin."]),
    ("en", "NRND", ["Lifecycle status of {part}", "{part} is mature", "Design-in stop for {parts}"], ["{parts}: not recommended for new designs from now on. Production continues and no end is planned.", "The products move to the mature phase. Please use newer types in new projects; supply is not at risk."]),
    ("en", "retraction", ["{part} stays in production", "Correction: {number} is void", "End of life of {part} cancelled", "Reinstatement of {parts}"], ["The end of life of {parts} is cancelled. Supply goes on as before.", "Thanks to new orders we continue to make {parts}. The notice is void.", "Please treat {number} as not issued."]),
    ("en", "OTHER", ["Order {number}", "Request for quotation {parts}", "Price increase", "Delivery delay of {part}", "Question about {part}", "Our stand at the fair", "Supplier audit", "Change of our bank account", "Offer: {part} from stock", "Is {part} obsolete?", "Public holidays", "Minutes of meeting", "New distributor", "Customer survey", "Packing list {number}", "We are moving", "Reminder of invoice {number}", "New product: {part}",
      "Out of office", "Agreement on buffer stock"],
     ["We heard that {part} might be discontinued. Can you tell us more?", "We have {part} in stock, also parts that are end of life. Ask for our offer.", "Prices rise by 5 per cent.", "Thank you for your order of {parts}.", "The goods {parts} were sent today.", "We are glad to present {part}, our newest product.", "I am out of office and have no access to mail.", "During the holidays the last order day for delivery this year is given below.", "Agenda: last time buys, obsolescence, stock.",
      "The report of the audit is attached.", "Our representation is taken over by another company; products are the same.", "The delivery time of {part} is 20 weeks at present.", "Please complete the survey about our change notices.", "Rumours say that {part} ends. They are wrong: the product is active.", "{part} of our own supplier ends; this does not touch you.", "As agreed in our call, we keep a buffer stock of {parts}.", "With our obsolescence service you will not miss an end of life notice again."]),
    ("de", "PDN", ["Abkündigung {part}", "Produkteinstellung", "{part} läuft aus", "Information zur Einstellung {number}"], ["Hiermit kündigen wir {parts} ab.", "Die Maschine ist nicht mehr zu reparieren; wir stellen {part} ein.", "Leider müssen wir die Lieferung von {parts} beenden."]),
    ("de", "PCN", ["Verlagerung der Prüfung", "{number}: neuer Lieferant", "PCN {number}"], ["Die Kennzeichnung von {parts} ändert sich.", "Ein zweiter Lieferant wird zugelassen. Die Teilenummer bleibt."]),
    ("de", "NRND", ["{part}: nicht mehr für Neuentwicklungen"], ["{parts} ist für neue Projekte nicht vorgesehen; die Fertigung läuft weiter."]), ("de", "retraction", ["{part} bleibt im Programm"], ["Die Einstellung von {parts} ist aufgehoben."]),
    ("de", "OTHER", ["Auftragsbestätigung {number}", "Preiserhöhung", "Lieferverzug {part}", "Umzug", "Frage zu {part}", "Feiertage", "Angebot {number}"], ["Vielen Dank für Ihren Auftrag über {parts}.", "Wird {part} abgekündigt? Bitte um Auskunft.", "Die Preise steigen um 4 Prozent.", "Wir haben auch abgekündigte Teile am Lager.", "Unser Büro zieht um.", "Die Lieferung von {part} verzögert sich."]),
    ("fr", "PDN", ["Arrêt de {part}", "Obsolescence {part}", "Notification de fin de fabrication {number}"], ["Nous cessons de produire {parts}.", "La référence {part} est arrêtée."]), ("fr", "PCN", ["Changement de site {number}", "PCN {number}"], ["Le marquage de {parts} change.", "Un second fournisseur est qualifié; la référence ne change pas."]),
    ("fr", "NRND", ["{part}: plus pour nouveaux projets"], ["{parts} n'est plus recommandé pour les nouveaux projets; la fabrication continue."]), ("fr", "retraction", ["{part} reste au catalogue"], ["L'arrêt de {parts} est annulé."]),
    ("fr", "OTHER", ["Confirmation de commande {number}", "Hausse de prix", "Question sur {part}", "Retard de livraison"], ["Merci pour votre commande de {parts}.", "Est-ce que {part} est en fin de vie ?", "Les prix augmentent de 4 %."]),
    ("es", "PDN", ["Cese de fabricación de {part}", "Obsolescencia {number}"], ["Dejamos de producir {parts}.", "La referencia {part} queda descatalogada."]), ("es", "PCN", ["Cambio de planta {number}", "PCN {number}"], ["Cambia el marcado de {parts}.", "Se añade un segundo proveedor; la referencia no cambia."]),
    ("es", "NRND", ["{part}: no usar en nuevos proyectos"], ["{parts} ya no se recomienda para proyectos nuevos; se sigue fabricando."]), ("es", "retraction", ["{part} sigue en catálogo"], ["El cese de {parts} se cancela."]),
    ("es", "OTHER", ["Confirmación de pedido {number}", "Subida de precios", "Pregunta sobre {part}"], ["Gracias por su pedido de {parts}.", "¿Es cierto que {part} termina?", "Los precios suben un 4 %."]),
    ("ja", "PDN", ["{part} 生産終了のご案内", "廃番のご連絡 {number}"], ["誠に勝手ながら {parts} の販売を終了いたします。", "設備老朽化のため {parts} を廃番といたします。"]), ("ja", "PCN", ["材料変更のお知らせ {number}", "仕様変更通知"], ["{parts} の捺印を変更いたします。", "材料の購入先が生産終了となるため、材料を変更いたします。"]),
    ("ja", "NRND", ["{part} 新規採用非推奨"], ["{parts} は新規採用をお控えください。供給は継続いたします。"]), ("ja", "retraction", ["{part} 生産継続のお知らせ"], ["{parts} の生産終了は取りやめます。"]),
    ("ja", "OTHER", ["価格改定のお願い", "納期のご連絡 {part}", "展示会のご案内", "{part} についてのご質問"], ["{parts} のご注文ありがとうございます。", "{part} は生産終了でしょうか。ご教示ください。", "価格を改定いたします。"]),
    ("zh", "PDN", ["{part} 停产通知", "终止供货 {number}"], ["因设备老化，{parts} 将停产。", "{parts} 自公告起终止。"]), ("zh", "PCN", ["材料变更通知 {number}", "产地变更"], ["{parts} 的印字将变更。", "新增晶圆供应商，型号不变。"]), ("zh", "NRND", ["{part} 不推荐新设计"], ["{parts} 不建议用于新项目，继续生产。"]),
    ("zh", "retraction", ["{part} 恢复供货"], ["{parts} 的停产已取消。"]), ("zh", "OTHER", ["订单确认 {number}", "价格调整", "关于 {part} 的询问", "交期通知"], ["感谢您订购 {parts}。", "请问 {part} 是否停产？", "价格将上调。"]),
):
    KIND_TEXT[language][kind]["title"] += titles
    KIND_TEXT[language][kind]["body"] += bodies

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
        "issue": ["Issue date", "Date of issue", "Notification date", "Published", "Date", "Notice date", "Released on", "Announcement date", "Date issued"],
        "buy": ["Last time buy date", "LTB", "Last order date", "Final order date", "Last purchase order accepted", "Last day to order", "Order deadline", "Order book closes", "LTO date", "Final call for orders"],
        "ship": ["Last time ship date", "LTS", "Last shipment", "Final delivery date", "Last delivery", "Shipments end", "Final ship date", "Deliveries until", "LTD date"],
        "effective": ["Effective date", "Implementation", "Change effective from", "First shipment of changed product", "Planned start", "Earliest ship date of new version"],
        "form": ["Form revision", "Template rev.", "Document version", "QF-812 rev. C", "Form approved", "Previous revision"],
    },
    "de": {
        "issue": ["Ausgabedatum", "Datum", "Mitteilung vom", "Erstellt am", "Veröffentlicht"],
        "buy": ["Letzter Bestelltermin", "Bestellschluss", "Letztmalige Bestellung", "Last Order", "Letzte Bestellmöglichkeit"],
        "ship": ["Letzter Liefertermin", "Letzte Auslieferung", "Lieferende", "Letzte Lieferung"],
        "effective": ["Gültig ab", "Umsetzung ab", "Wirksam ab", "Erste Lieferung geänderter Ware"],
        "form": ["Formular Stand", "Vorlage vom", "Revision des Formblatts"],
    },
    "fr": {
        "issue": ["Date d'émission", "Date", "Date de l'avis", "Émis le"],
        "buy": ["Date limite de commande", "Dernière commande", "Dernier achat possible"],
        "ship": ["Dernière livraison", "Dernière expédition", "Fin des livraisons"],
        "effective": ["Date d'effet", "Mise en œuvre", "Entrée en vigueur"],
        "form": ["Formulaire, révision du", "Modèle du"],
    },
    "es": {
        "issue": ["Fecha de emisión", "Fecha", "Fecha del aviso", "Publicado el"],
        "buy": ["Última fecha de pedido", "Fecha límite de compra", "Último pedido"],
        "ship": ["Última entrega", "Último envío", "Fin de entregas"],
        "effective": ["Fecha efectiva", "Entrada en vigor", "Implementación"],
        "form": ["Formulario, revisión", "Plantilla de"],
    },
    "ja": {
        "issue": ["発行日", "通知日", "作成日"], "buy": ["最終受注日", "最終注文期限", "ご注文締切日", "最終発注日"], "ship": ["最終出荷日", "最終納入日", "出荷終了"],
        "effective": ["適用開始日", "実施日", "切替予定日"], "form": ["様式改訂日", "書式制定"],
    },
    "zh": {
        "issue": ["发布日期", "通知日期", "发文日期"], "buy": ["最后订购日期", "最后下单日", "最后采购日期", "截止订货"], "ship": ["最后出货日期", "最后交货日", "停止供货"],
        "effective": ["生效日期", "实施日期", "变更开始"], "form": ["表单修订日期", "文件版本日期"],
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
